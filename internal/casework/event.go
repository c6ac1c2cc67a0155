package casework

import (
	"encoding/json"
	"fmt"
	"time"
)

// EventKind names what happened. Kinds are stored for ever: they are never
// renamed, and their bodies only gain optional fields.
type EventKind string

// EventBody is what happened. Each kind has one body type.
type EventBody interface {
	Kind() EventKind
	// Article is the clause that this event implements, as a citation (第九条).
	Article() string
}

// Event is one thing that happened to a case, at the time of its workflow. The
// events of a case, folded in the order of Seq, are its state.
type Event struct {
	Seq  int // 1, 2, 3… within the case
	At   time.Time
	By   By
	Body EventBody
}

type eventJSON struct {
	Seq  int             `json:"seq"`
	At   time.Time       `json:"at"`
	By   By              `json:"by"`
	Kind EventKind       `json:"kind"`
	Body json.RawMessage `json:"body"`
}

// MarshalJSON writes the event with its kind beside its body.
func (e Event) MarshalJSON() ([]byte, error) {
	body, err := json.Marshal(e.Body)
	if err != nil {
		return nil, fmt.Errorf("event body %s: %w", e.Body.Kind(), err)
	}
	return json.Marshal(eventJSON{Seq: e.Seq, At: e.At, By: e.By, Kind: e.Body.Kind(), Body: body})
}

// UnmarshalJSON reads an event back into the body type of its kind.
func (e *Event) UnmarshalJSON(data []byte) error {
	var raw eventJSON
	if err := json.Unmarshal(data, &raw); err != nil {
		return fmt.Errorf("event: %w", err)
	}
	body, err := DecodeBody(raw.Kind, raw.Body)
	if err != nil {
		return err
	}
	*e = Event{Seq: raw.Seq, At: raw.At, By: raw.By, Body: body}
	return nil
}

// DecodeBody reads the body of an event of this kind.
func DecodeBody(kind EventKind, data []byte) (EventBody, error) {
	decode, ok := bodyDecoders[kind]
	if !ok {
		return nil, fmt.Errorf("unknown event kind %q", kind)
	}
	return decode(data)
}

// EventKinds lists every kind that exists.
func EventKinds() []EventKind {
	kinds := make([]EventKind, 0, len(bodyTypes))
	for _, b := range bodyTypes {
		kinds = append(kinds, b.kind)
	}
	return kinds
}

type bodyType struct {
	kind   EventKind
	decode func([]byte) (EventBody, error)
}

func bodyOf[B EventBody]() bodyType {
	var zero B
	return bodyType{kind: zero.Kind(), decode: func(data []byte) (EventBody, error) {
		var body B
		if err := json.Unmarshal(data, &body); err != nil {
			return nil, fmt.Errorf("event body %s: %w", body.Kind(), err)
		}
		return body, nil
	}}
}

// bodyTypes is the register of event kinds. A body that is missing here cannot
// be read back; a test compares it with the fold.
var bodyTypes = []bodyType{
	bodyOf[Opened](), bodyOf[Claimed](), bodyOf[Assigned](), bodyOf[TakenOver](), bodyOf[CallbackRecorded](), bodyOf[FileAttached](), bodyOf[Verified](),
	bodyOf[InvalidProposed](), bodyOf[InvalidDecided](), bodyOf[ExtensionRequested](), bodyOf[ExtensionWithdrawn](), bodyOf[ExtensionDecided](),
	bodyOf[Rectified](), bodyOf[FeedbackSent](), bodyOf[AnswerRecorded](), bodyOf[AnswerWindowPassed](), bodyOf[LateAnswerRecorded](),
	bodyOf[ReopeningDecided](), bodyOf[Reopened](), bodyOf[Warned](), bodyOf[BecameOverdue](), bodyOf[Reminded](), bodyOf[Escalated](),
	bodyOf[Paused](), bodyOf[Resumed](), bodyOf[CalendarAdopted](), bodyOf[Transferred](), bodyOf[Merged](), bodyOf[CaseLinked](),
	bodyOf[Withdrawn](), bodyOf[Closed](),
	bodyOf[SpotCheckDrawn](), bodyOf[SpotCheckRecorded](), bodyOf[Archived](),
}

var bodyDecoders = func() map[EventKind]func([]byte) (EventBody, error) {
	m := make(map[EventKind]func([]byte) (EventBody, error), len(bodyTypes))
	for _, b := range bodyTypes {
		m[b.kind] = b.decode
	}
	return m
}()
