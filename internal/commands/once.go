package commands

import (
	"context"
	"time"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// settling is how long the end of a request may take to be written down.
const settling = 5 * time.Second

// Carry carries a request out. It gives the answer as it goes out and, when that
// tells of a refusal or a failure, the error behind it.
type Carry func(requestID string) (store.Answer, error)

// Once carries a request out unless it was answered before, and says whether the
// answer is that of before. Whoever sends the same again within 24 hours gets the
// same answer; other content under the key is CodeKeyReused, and while somebody
// carries it out it is CodeConflict with the reason request_in_flight.
//
// What says "try again" is not kept. When keep is false nothing is: the request is
// carried out each time, under the same request id.
//
// A process that dies between the deed and its answer leaves no answer, and the
// request is carried out again: carry must know by key or request id what was
// done before.
func (s *Service) Once(ctx context.Context, request store.KeyedRequest, keep bool, carry Carry) (store.Answer, bool, error) {
	attempt, err := s.store.BeginRequest(ctx, request, s.now())
	if err != nil || attempt.Answered {
		return attempt.Answer, attempt.Answered, err
	}
	// Also after a panic, and for somebody who has hung up: they will ask again.
	open := true
	defer func() {
		if open {
			s.letGo(context.WithoutCancel(ctx), attempt)
		}
	}()
	answer, refusal := carry(attempt.RequestID)
	if !keep || !isFinal(refusal) {
		return answer, false, nil
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), settling)
	defer cancel()
	first, err := s.store.KeepAnswer(after, attempt, answer)
	if err != nil {
		// What was done is done, and sent again it is found by its key.
		s.log.WarnContext(ctx, "answer not kept", "request_id", attempt.RequestID, "error", err)
		return answer, false, nil
	}
	open = false
	return first, false, nil
}

func (s *Service) letGo(ctx context.Context, attempt store.Attempt) {
	ctx, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	if err := s.store.LetGo(ctx, attempt); err != nil {
		s.log.WarnContext(ctx, "request not let go", "request_id", attempt.RequestID, "error", err)
	}
}

// isFinal reports whether an outcome stays what it is when the same request is
// sent again.
func isFinal(refusal error) bool {
	if refusal == nil {
		return true
	}
	domain, ok := casework.AsError(refusal)
	if !ok {
		return false // a fault of ours
	}
	switch domain.Code {
	case casework.CodeUnauthorized, casework.CodeTooMany, casework.CodeUnavailable:
		return false
	default:
		return domain.Reason != reasonNotStarted && domain.Reason != reasonNotRunning
	}
}
