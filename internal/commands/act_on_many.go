package commands

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// MaxMany is how many cases one request may name.
const MaxMany = 100

const (
	// manyAtOnce is how many of them are under way at the same time.
	manyAtOnce = 4
	// manyPatience is how long new ones are begun. With what the engine takes for the
	// last of them, the answer still comes within a server's time to write it.
	manyPatience = 30 * time.Second
	// longestNumber bounds the number of a case, in bytes.
	longestNumber = 64
)

// ManyActions lists what can be done to many cases at once, in the order in which
// it is offered: what means the same for each of them, and ends none.
func ManyActions() []casework.Action {
	return []casework.Action{
		casework.ActionClaim, casework.ActionAssign, casework.ActionRemind, casework.ActionEscalate, casework.ActionTakeOver,
		casework.ActionTransfer,
	}
}

// ForMany refuses an action that cannot be done to many cases at once.
func ForMany(action casework.Action) error {
	if !slices.Contains(ManyActions(), action) {
		return casework.Invalid("action", "not_for_many", fmt.Sprintf("one of %v", ManyActions()))
	}
	return nil
}

// ManyItem is one of many cases, with the version that the person saw; see
// Request.Version.
type ManyItem struct {
	Number  string
	Version int
}

// ManyRequest is one action on many cases. The Key makes it happen once to each of
// them, however often it is sent.
type ManyRequest struct {
	Items   []ManyItem
	Command casework.Command
	Key     string
}

// RowStatus is what came of one of many cases.
type RowStatus string

// The statuses of rows.
const (
	RowDone     RowStatus = "done"
	RowAlready  RowStatus = "already"     // by this very request before, or it stood so without it
	RowRefused  RowStatus = "refused"     // Refusal says why
	RowNotFound RowStatus = "not_found"   // outside the person's scope, or nowhere
	RowAway     RowStatus = "unavailable" // no answer in time: the same request does it, or finds it done
)

// RowStatuses lists all of them.
func RowStatuses() []RowStatus {
	return []RowStatus{RowDone, RowAlready, RowRefused, RowNotFound, RowAway}
}

// RowResult is what came of one of many cases.
type RowResult struct {
	Number string
	Status RowStatus
	// Refusal is why not; for RowAlready it may say what stood so. Nil when it was done.
	Refusal *casework.Error
	// Case is the case as it stands afterwards; zero for one that was not found, or
	// that could not be read again.
	Case store.Case
}

// WorthTrying reports whether the same request may do more when it is sent again,
// for the case as it stands now.
func (r RowResult) WorthTrying() bool {
	switch r.Status {
	case RowAway:
		return true
	case RowRefused:
		return r.Refusal.Code == casework.CodeStale || r.Refusal.Reason == reasonNotStarted || r.Refusal.Reason == reasonNotRunning
	default:
		return false
	}
}

// What becomes possible by itself, a few seconds later.
const (
	reasonNotStarted = "not_started_yet"
	reasonNotRunning = "case_not_running"
)

// standsSo are the refusals which say that the case is as the request would have
// made it.
var standsSo = []string{"already_yours", "already_assigned", "already_taken_over", "reminded_today"}

// ActOnMany carries one action out on each of up to MaxMany cases, a few at a time,
// and says for each what came of it, in the order in which they were named. Each
// goes the way of Act: nothing that is refused there is done here, and what one
// case refuses stops no other. A number that is named twice counts once.
//
// An error means that nothing was done at all: CodeInvalid for fields that are
// wrong for every case, CodeForbidden for an action that the person may do to none.
func (s *Service) ActOnMany(ctx context.Context, actor casework.Actor, request ManyRequest) ([]RowResult, error) {
	items, err := s.checkMany(ctx, actor, request)
	if err != nil {
		return nil, err
	}
	begin, cancel := context.WithTimeout(ctx, manyPatience)
	defer cancel()
	results := make([]RowResult, len(items))
	next := make(chan int)
	var engine awayness
	var workers sync.WaitGroup
	for range min(manyAtOnce, len(items)) {
		workers.Go(func() {
			for i := range next {
				if begin.Err() != nil || engine.isAway() {
					results[i] = away(items[i].Number)
					continue
				}
				results[i] = s.actOnOne(ctx, actor, items[i], request)
				engine.heard(results[i].Status)
			}
		})
	}
	for i := range items {
		next <- i
	}
	close(next)
	workers.Wait()
	return results, nil
}

func (s *Service) checkMany(ctx context.Context, actor casework.Actor, request ManyRequest) ([]ManyItem, error) {
	action := request.Command.Action()
	if err := ForMany(action); err != nil {
		return nil, err
	}
	if err := request.Command.Check(); err != nil {
		return nil, err
	}
	if !s.policy.MayEver(actor, action) {
		s.log.WarnContext(ctx, "refused", "user_id", actor.UserID, "action", action, "cases", len(request.Items))
		return nil, casework.Forbidden("not_allowed", "your role never allows "+string(action))
	}
	var items []ManyItem
	seen := map[string]bool{}
	for _, item := range request.Items {
		if !seen[item.Number] {
			seen[item.Number] = true
			items = append(items, item)
		}
	}
	switch {
	case len(items) == 0:
		return nil, casework.Invalid("number", "none_chosen", "name at least one case")
	case len(items) > MaxMany:
		return nil, casework.Invalid("number", "too_many_cases", fmt.Sprintf("at most %d cases", MaxMany))
	}
	return items, nil
}

// actOnOne does to one case what a request asks for all of them.
func (s *Service) actOnOne(ctx context.Context, actor casework.Actor, item ManyItem, request ManyRequest) (result RowResult) {
	// A panic here would take the whole process along: no handler stands around it.
	defer func() {
		if p := recover(); p != nil {
			s.log.ErrorContext(ctx, "one of many panicked", "case", item.Number, "panic", p, "stack", string(debug.Stack()))
			result = away(item.Number)
		}
	}()
	if !utf8.ValidString(item.Number) || strings.ContainsRune(item.Number, 0) || len(item.Number) > longestNumber {
		return RowResult{Number: item.Number, Status: RowNotFound, Refusal: errNoCase()}
	}
	one := Request{Number: item.Number, Command: request.Command, Version: item.Version}
	if request.Key != "" {
		one.Key = request.Key + "/" + item.Number
	}
	_, before, err := s.act(ctx, actor, one)
	result = s.rowOf(ctx, item.Number, before, err)
	if result.Status != RowNotFound {
		s.lookAgain(ctx, actor, request.Command.Action(), &result)
	}
	return result
}

// rowOf says what an answer of act means.
func (s *Service) rowOf(ctx context.Context, number string, before bool, err error) RowResult {
	if err == nil {
		if before {
			return RowResult{Number: number, Status: RowAlready}
		}
		return RowResult{Number: number, Status: RowDone}
	}
	refusal, ok := casework.AsError(err)
	switch {
	case !ok:
		s.log.ErrorContext(ctx, "one of many failed", "case", number, "error", err)
		return away(number)
	case refusal.Code == casework.CodeUnavailable:
		return away(number)
	case refusal.Code == casework.CodeNotFound:
		return RowResult{Number: number, Status: RowNotFound, Refusal: refusal}
	case slices.Contains(standsSo, refusal.Reason):
		return RowResult{Number: number, Status: RowAlready, Refusal: refusal}
	default:
		return RowResult{Number: number, Status: RowRefused, Refusal: refusal}
	}
}

// lookAgain reads how the case stands now, for whoever may see it. Who comes second
// to a claim is told that somebody has the case, not only that it changed.
func (s *Service) lookAgain(ctx context.Context, actor casework.Actor, action casework.Action, result *RowResult) {
	c, err := s.load(ctx, actor, result.Number)
	if err != nil {
		if !isNotFound(err) {
			s.log.WarnContext(ctx, "one of many not read again", "case", result.Number, "error", err)
		}
		return
	}
	result.Case = maskedCases([]store.Case{c.row})[0]
	if action != casework.ActionClaim || result.Status != RowRefused || result.Refusal.Code != casework.CodeStale {
		return
	}
	switch c.state.HandlerID {
	case 0:
	case actor.UserID:
		result.Status, result.Refusal = RowAlready, casework.Conflict("already_yours", "you have this case already")
	default:
		result.Refusal = casework.Conflict("claimed_by_other", "another person has this case")
	}
}

func away(number string) RowResult {
	return RowResult{Number: number, Status: RowAway, Refusal: &casework.Error{
		Code: casework.CodeUnavailable, Reason: "not_done_yet", Detail: "no answer in time; send the same request again",
	}}
}

// awayness notices that nobody answers any more, so that a hundred cases do not
// wait a hundred times.
type awayness struct {
	mu    sync.Mutex
	inRow int
}

func (a *awayness) heard(status RowStatus) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.inRow++; status != RowAway {
		a.inRow = 0
	}
}

func (a *awayness) isAway() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.inRow >= manyAtOnce
}

// ManyChoices are what somebody may do to many cases at once, before any is chosen.
type ManyChoices struct {
	Actions    []casework.Action
	Colleagues []store.User // to whom cases of the own department can be assigned
}

// ChoicesForMany says what the actor may do to many cases, which may be nothing.
// What holds for each case, each case says.
func (s *Service) ChoicesForMany(ctx context.Context, actor casework.Actor) (ManyChoices, error) {
	var choices ManyChoices
	scope, works := taskScopeOf(actor)
	if !works {
		return choices, nil
	}
	for _, action := range ManyActions() {
		ofDepartment := action == casework.ActionClaim || action == casework.ActionAssign
		fits := action == casework.ActionRemind || ofDepartment == (scope.Owner == casework.OwnerDepartment)
		if fits && s.policy.MayEver(actor, action) {
			choices.Actions = append(choices.Actions, action)
		}
	}
	var err error
	if slices.Contains(choices.Actions, casework.ActionAssign) {
		choices.Colleagues, err = s.store.Colleagues(ctx, actor.OrganisationID, casework.RoleHandler, casework.RoleDepartmentLead)
	}
	return choices, err
}

// ManyView is what somebody has chosen, before it is done.
type ManyView struct {
	Cases []store.Case // those of the numbers that the actor may read
	// Departments are those of the regions of the cases: to one of them they can be
	// transferred.
	Departments []store.Organisation
}

// ViewMany reads the cases of which an action is about to be asked. Numbers that
// the actor may not read are left out as if they were none.
func (s *Service) ViewMany(ctx context.Context, actor casework.Actor, numbers []string) (ManyView, error) {
	var view ManyView
	if len(numbers) > MaxMany {
		return view, casework.Invalid("number", "too_many_cases", fmt.Sprintf("at most %d cases", MaxMany))
	}
	var regions []string
	for _, number := range numbers {
		if !utf8.ValidString(number) || strings.ContainsRune(number, 0) || len(number) > longestNumber {
			continue
		}
		c, err := s.load(ctx, actor, number)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return view, err
		}
		view.Cases = append(view.Cases, c.row)
		if !slices.Contains(regions, c.row.RegionCode) {
			regions = append(regions, c.row.RegionCode)
		}
	}
	view.Cases = maskedCases(view.Cases)
	if !s.policy.MayEver(actor, casework.ActionTransfer) {
		return view, nil
	}
	for _, region := range regions {
		departments, err := s.store.DepartmentsOf(ctx, region)
		if err != nil {
			return view, err
		}
		view.Departments = append(view.Departments, departments...)
	}
	return view, nil
}
