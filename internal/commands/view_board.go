package commands

import (
	"context"
	"slices"

	"guiling/internal/casework"
	"guiling/internal/store"
	"guiling/policies"
)

// BoardView is how a region stands, with what waits for the authority of who looks.
type BoardView struct {
	store.Board

	Waiting []Waiting
}

// Waiting is how many tasks of a kind an authority has.
type Waiting struct {
	Kind  casework.TaskKind
	Count int
}

// waitingKinds are the tasks of an authority, what is to be decided first. Work of a
// department comes to it with a case that it took over.
var waitingKinds = []casework.TaskKind{
	casework.TaskDecideExtension, casework.TaskDecideInvalid, casework.TaskDecideReopening, casework.TaskSpotCheck, casework.TaskSupervise,
	casework.TaskVerify, casework.TaskExplain, casework.TaskRectify, casework.TaskSendFeedback,
}

// ViewBoard counts the cases of a region of the actor's subtree and of all below; an
// empty code is the actor's own region. CodeNotFound outside the subtree.
func (s *Service) ViewBoard(ctx context.Context, actor casework.Actor, regionCode string) (BoardView, error) {
	regionCode, err := s.boardRegion(ctx, actor, regionCode)
	if err != nil {
		return BoardView{}, err
	}
	view := BoardView{}
	if view.Board, err = s.store.Board(ctx, scopeOf(actor), regionCode, s.now()); err != nil {
		return BoardView{}, err
	}
	scope, works := taskScopeOf(actor)
	if !works {
		return view, nil
	}
	counts, err := s.store.TaskKinds(ctx, scope)
	if err != nil {
		return BoardView{}, err
	}
	for _, kind := range waitingKinds {
		if counts[kind] > 0 {
			view.Waiting = append(view.Waiting, Waiting{Kind: kind, Count: counts[kind]})
		}
	}
	return view, nil
}

// boardRegion asks whether the actor may look at the board of a region.
func (s *Service) boardRegion(ctx context.Context, actor casework.Actor, code string) (string, error) {
	if !s.policy.MayEver(actor, casework.ActionViewBoard) {
		return "", casework.Forbidden("not_allowed", "your role has no board")
	}
	if code == "" {
		code = actor.RegionCode
	}
	region, path, err := s.store.RegionByCode(ctx, code)
	if err != nil {
		return "", err
	}
	if !slices.Contains(path, actor.RegionCode) {
		return "", &casework.Error{Code: casework.CodeNotFound, Reason: "region_not_found", Detail: "there is no such region"}
	}
	_, err = s.authorize(ctx, actor, casework.ActionViewBoard, policies.Object{Level: region.Level, RegionPath: path})
	return code, err
}

// WorkloadView is what a department has to do, and each of its people.
type WorkloadView struct {
	Department store.Organisation
	Load       store.Load
	Handlers   []store.HandlerLoad
	// OnBoard says that the actor has a board, to go back to.
	OnBoard bool
}

// ViewWorkload counts the cases of a department by who has them; 0 is the actor's
// own. A head of a department sees no other one; supervisors see those of their
// subtree. CodeNotFound for any other.
func (s *Service) ViewWorkload(ctx context.Context, actor casework.Actor, departmentID int64) (WorkloadView, error) {
	if !s.policy.MayEver(actor, casework.ActionViewBoard) {
		return WorkloadView{}, casework.Forbidden("not_allowed", "your role sees no workload")
	}
	unknown := &casework.Error{Code: casework.CodeNotFound, Reason: "organisation_not_found", Detail: "there is no such department"}
	if departmentID == 0 {
		departmentID = actor.OrganisationID
	}
	department, err := s.store.OrganisationByID(ctx, departmentID)
	if err != nil {
		return WorkloadView{}, err
	}
	object := policies.Object{Level: department.Level, RegionPath: department.RegionPath, DepartmentID: department.ID}
	if department.Kind != casework.KindDepartment || !s.policy.Decide(actor, casework.ActionViewBoard, object).Allowed {
		return WorkloadView{}, unknown
	}
	view := WorkloadView{Department: department}
	view.OnBoard = s.policy.Decide(actor, casework.ActionViewBoard, policies.Object{Level: actor.Level, RegionPath: actor.RegionPath}).Allowed
	view.Load, view.Handlers, err = s.store.Workload(ctx, scopeOf(actor), department.ID, s.now())
	return view, err
}
