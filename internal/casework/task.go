package casework

import (
	"fmt"
	"time"
)

// TaskKind is what somebody has to do.
type TaskKind string

// The kinds of tasks. A case has at most one task of a department, and those of
// the authorities beside it.
const (
	TaskVerify          TaskKind = "verify"
	TaskExplain         TaskKind = "explain"
	TaskRectify         TaskKind = "rectify"
	TaskSendFeedback    TaskKind = "send_feedback"
	TaskDecideInvalid   TaskKind = "decide_invalid"
	TaskDecideExtension TaskKind = "decide_extension"
	TaskDecideReopening TaskKind = "decide_reopening"
	TaskSupervise       TaskKind = "supervise"
	TaskSpotCheck       TaskKind = "spot_check"
)

// TaskKinds lists the kinds, those of the department first.
func TaskKinds() []TaskKind {
	return []TaskKind{
		TaskVerify, TaskExplain, TaskRectify, TaskSendFeedback, TaskDecideInvalid, TaskDecideExtension, TaskDecideReopening,
		TaskSupervise, TaskSpotCheck,
	}
}

// TaskOwner says whose the task is.
type TaskOwner string

// A task is the department's, or an authority's.
const (
	OwnerDepartment TaskOwner = "department"
	OwnerAuthority  TaskOwner = "authority"
)

// Task is one thing to do now. The organisation is found at the moment when the
// task is written, by the tree of that day: the department of the case, or the
// authority StepsUp above the case's own, or the first above that which stands at
// MinLevel or higher.
type Task struct {
	Key     string    `json:"key"` // within the case; a task that comes back has its old key
	Kind    TaskKind  `json:"kind"`
	Owner   TaskOwner `json:"owner"`
	StepsUp int       `json:"steps_up"`
	// OrganisationID is the authority itself where the case names it, 0 where the
	// tree does.
	OrganisationID int64      `json:"organisation_id,omitempty"`
	MinLevel       AdminLevel `json:"min_level,omitempty"`
	AssigneeID     int64      `json:"assignee_id,omitempty"`
	Due            time.Time  `json:"due,omitzero"`
}

// Tasks lists what the state of a case asks of people. The database keeps open
// exactly these.
func Tasks(s State, r Rules) []Task {
	var due time.Time
	if deadline, ok := s.Deadline(r); ok && !s.ClockPaused() {
		due = deadline.At
	}
	// The department's, unless an authority handles the case in its place.
	department := func(kind TaskKind) Task {
		task := Task{
			Key: fmt.Sprintf("%s/%d", kind, s.Round), Kind: kind, Owner: OwnerDepartment,
			AssigneeID: s.HandlerID, Due: due,
		}
		if s.TakenOverBy != 0 {
			task.Owner, task.OrganisationID = OwnerAuthority, s.TakenOverBy
		}
		return task
	}
	authority := func(kind TaskKind, ordinal, stepsUp int) Task {
		return Task{Key: fmt.Sprintf("%s/%d", kind, ordinal), Kind: kind, Owner: OwnerAuthority, StepsUp: stepsUp, Due: due}
	}
	// What the parent decides is decided at county level or above: the policy says
	// so, and the task must lie with somebody who may.
	parent := func(kind TaskKind, ordinal, stepsUp int) Task {
		task := authority(kind, ordinal, stepsUp)
		if stepsUp > 0 {
			task.MinLevel = LevelCounty
		}
		return task
	}
	var tasks []Task
	switch s.Stage {
	case StageVerification:
		tasks = append(tasks, department(TaskVerify))
	case StageInvalidation:
		confirm := authority(TaskDecideInvalid, s.Round, 0)
		if s.RegionLevel == LevelTownship || s.RegionLevel == LevelVillage {
			confirm.MinLevel = LevelCounty
		}
		tasks = append(tasks, confirm)
	case StageExplanation:
		tasks = append(tasks, department(TaskExplain))
	case StageRectification:
		tasks = append(tasks, department(TaskRectify))
		if s.PendingExtension != nil {
			tasks = append(tasks, parent(TaskDecideExtension, s.PendingExtension.Number, s.PendingExtension.Ordinal-1))
		}
	case StageFeedback:
		switch {
		case s.FedBackAt.IsZero():
			tasks = append(tasks, department(TaskSendFeedback))
		case s.DecisionAwaited:
			tasks = append(tasks, parent(TaskDecideReopening, s.Unsatisfied, s.DecisionStepsUp))
		}
	case StageSpotCheck:
		tasks = append(tasks, authority(TaskSpotCheck, s.Round, 0))
	case StageOpened, StageClosed, StageInvalid, StageWithdrawn, StageMerged, StageArchived:
	}
	if s.EscalationOpen {
		supervise := authority(TaskSupervise, s.Round, s.EscalationSteps)
		supervise.Key = fmt.Sprintf("%s/%d", supervise.Key, s.EscalationSteps)
		tasks = append(tasks, supervise)
	}
	return tasks
}
