package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"guiling/internal/casework"
)

// Case is a case as lists and pages show it, with what the policy needs to know
// of it. It holds no personal data in clear.
type Case struct {
	Number         string
	Stage          casework.Stage
	Version        int
	RegionCode     string
	RegionName     string
	RegionLevel    casework.AdminLevel
	RegionPath     []string
	DepartmentID   int64
	DepartmentName string
	DepartmentOpen bool // waits for confirmation
	// AuthorityChain is the authority that serves the region, then those above it; read
	// with one case, and not with lists.
	AuthorityChain     []int64
	MatterCode         string
	MatterName         string
	HandlerID          int64
	HandlerName        string
	StaffLabel         string
	ServiceRecordID    int64
	RatedDepartmentID  int64      // that the review was about, whoever has the case now
	ServedAt           *time.Time // when the service was taken up; nil when the source does not say
	Rating             casework.RatingLevel
	Aspects            []casework.Aspect
	Tags               []string
	Channel            casework.Channel
	Words              string
	RatedAt            time.Time
	ReviewerKnown      bool
	ReviewerNameMasked string
	PhoneMasked        string
	// Revealable says that there is something in clear to be shown; Shredded that it
	// was destroyed when the retention period had passed.
	Revealable      bool
	Shredded        bool
	OpenedAt        *time.Time
	ChangedAt       time.Time
	ClockKind       casework.ClockKind
	DeadlineAt      *time.Time
	PausedAt        *time.Time
	OverdueSince    *time.Time
	EverLate        bool // any deadline was missed, that of the verification too
	EscalationSteps *int
	Reopenings      int
	ClosedAt        *time.Time
	ClosedOnTime    *bool         // rectified and fed back by the deadline in force (第九条)
	ClockOffset     time.Duration // the case's own now, less the server's; zero outside the demo
}

// caseRow is the row behind a Case.
type caseRow struct {
	Number             string         `db:"number"`
	Stage              string         `db:"stage"`
	Version            int            `db:"version"`
	RegionCode         string         `db:"region_code"`
	RegionName         string         `db:"region_name"`
	RegionLevel        string         `db:"region_level"`
	RegionPath         pq.StringArray `db:"region_path"`
	DepartmentID       int64          `db:"department_id"`
	DepartmentName     string         `db:"department_name"`
	DepartmentOpen     bool           `db:"department_open"`
	AuthorityChain     pq.Int64Array  `db:"authority_chain"`
	MatterCode         string         `db:"matter_code"`
	MatterName         string         `db:"matter_name"`
	HandlerID          int64          `db:"handler_id"`
	HandlerName        string         `db:"handler_name"`
	StaffLabel         string         `db:"staff_label"`
	ServiceRecordID    int64          `db:"service_record_id"`
	RatedDepartmentID  int64          `db:"rated_department_id"`
	ServedAt           *time.Time     `db:"served_at"`
	Rating             string         `db:"level"`
	Aspects            pq.StringArray `db:"aspects"`
	Tags               pq.StringArray `db:"tags"`
	Channel            string         `db:"channel"`
	Words              string         `db:"words"`
	RatedAt            time.Time      `db:"rated_at"`
	ReviewerKnown      bool           `db:"reviewer_known"`
	ReviewerNameMasked string         `db:"reviewer_name_masked"`
	PhoneMasked        string         `db:"reviewer_phone_masked"`
	Revealable         bool           `db:"revealable"`
	Shredded           bool           `db:"shredded"`
	OpenedAt           *time.Time     `db:"opened_at"`
	ChangedAt          time.Time      `db:"changed_at"`
	ClockKind          string         `db:"clock_kind"`
	DeadlineAt         *time.Time     `db:"deadline_at"`
	PausedAt           *time.Time     `db:"paused_at"`
	OverdueSince       *time.Time     `db:"overdue_since"`
	EverLate           bool           `db:"ever_late"`
	EscalationSteps    *int           `db:"escalation_steps"`
	Reopenings         int            `db:"reopenings"`
	ClosedAt           *time.Time     `db:"closed_at"`
	ClosedOnTime       *bool          `db:"closed_on_time"`
	ClockOffsetSecs    int64          `db:"clock_offset_secs"`
}

func (r caseRow) toCase() Case {
	return Case{
		Number: r.Number, Stage: casework.Stage(r.Stage), Version: r.Version,
		RegionCode: r.RegionCode, RegionName: r.RegionName, RegionLevel: casework.AdminLevel(r.RegionLevel), RegionPath: r.RegionPath,
		DepartmentID: r.DepartmentID, DepartmentName: r.DepartmentName, DepartmentOpen: r.DepartmentOpen, AuthorityChain: r.AuthorityChain,
		MatterCode: r.MatterCode, MatterName: r.MatterName, HandlerID: r.HandlerID, HandlerName: r.HandlerName, StaffLabel: r.StaffLabel, ServiceRecordID: r.ServiceRecordID,
		RatedDepartmentID: r.RatedDepartmentID, ServedAt: r.ServedAt,
		Rating: casework.RatingLevel(r.Rating), Aspects: typed[casework.Aspect](r.Aspects), Tags: r.Tags,
		Channel: casework.Channel(r.Channel), Words: r.Words, RatedAt: r.RatedAt,
		ReviewerKnown: r.ReviewerKnown, ReviewerNameMasked: r.ReviewerNameMasked, PhoneMasked: r.PhoneMasked,
		Revealable: r.Revealable, Shredded: r.Shredded,
		OpenedAt: r.OpenedAt, ChangedAt: r.ChangedAt, ClockKind: casework.ClockKind(r.ClockKind),
		DeadlineAt: r.DeadlineAt, PausedAt: r.PausedAt, OverdueSince: r.OverdueSince, EverLate: r.EverLate,
		EscalationSteps: r.EscalationSteps, Reopenings: r.Reopenings, ClosedAt: r.ClosedAt, ClosedOnTime: r.ClosedOnTime,
		ClockOffset: time.Duration(r.ClockOffsetSecs) * time.Second,
	}
}

const caseColumns = `
	c.number, c.stage, c.version, c.region_code, r.name AS region_name, r.level AS region_level, r.path AS region_path,
	c.department_id, d.name AS department_name, NOT d.confirmed AS department_open,
	c.matter_code, m.name AS matter_name, COALESCE(c.handler_id, 0) AS handler_id, COALESCE(h.display_name, '') AS handler_name,
	sr.staff_label, v.service_record_id, sr.department_id AS rated_department_id, sr.accepted_at AS served_at, v.level, v.aspects, v.tags, v.channel, v.words, v.rated_at, v.reviewer_known,
	v.reviewer_name_masked, v.reviewer_phone_masked, v.reviewer_sealed IS NOT NULL AS revealable, v.shredded_at IS NOT NULL AS shredded,
	c.opened_at, c.changed_at, COALESCE(c.clock_kind, '') AS clock_kind,
	c.deadline_at, c.paused_at, c.overdue_since, c.ever_late, c.escalation_steps, c.reopenings, c.closed_at, c.closed_on_time,
	c.clock_offset_secs`

const authorityChain = `,
	ARRAY(SELECT a.id FROM organisations a JOIN regions ar ON ar.code = a.region_code
	      WHERE a.kind = 'authority' AND a.valid_to IS NULL AND a.region_code = ANY (r.path) ORDER BY cardinality(ar.path) DESC) AS authority_chain`

const caseJoins = `
	FROM cases c` + caseTables

// caseTables are what belongs to cases c. What chooses the cases stands before them:
// of so many tables, the server looks for the best order only among the first few.
const caseTables = `
	JOIN regions r ON r.code = c.region_code
	JOIN organisations d ON d.id = c.department_id
	JOIN matters m ON m.code = c.matter_code
	JOIN reviews v ON v.id = c.review_id
	JOIN service_records sr ON sr.id = v.service_record_id
	LEFT JOIN users h ON h.id = c.handler_id`

// CaseByNumber reads one case. One that does not exist is CodeNotFound.
func (s *Store) CaseByNumber(ctx context.Context, number string) (Case, error) {
	var row caseRow
	if err := s.db.GetContext(ctx, &row, `SELECT`+caseColumns+authorityChain+caseJoins+` WHERE c.number = $1`, number); err != nil {
		return Case{}, notFound(err, "case")
	}
	return row.toCase(), nil
}

// AuthorityChains gives the chains of authorities of regions, as Case.AuthorityChain
// has that of one case, by the codes of the regions.
func (s *Store) AuthorityChains(ctx context.Context, regionCodes []string) (map[string][]int64, error) {
	var rows []struct {
		Code  string        `db:"code"`
		Chain pq.Int64Array `db:"authority_chain"`
	}
	err := s.db.SelectContext(ctx, &rows, `SELECT r.code`+authorityChain+` FROM regions r WHERE r.code = ANY ($1)`, pq.StringArray(regionCodes))
	if err != nil {
		return nil, fmt.Errorf("authorities of regions: %w", err)
	}
	chains := make(map[string][]int64, len(rows))
	for _, row := range rows {
		chains[row.Code] = row.Chain
	}
	return chains, nil
}

// CasesOfRecord lists the cases in scope of one service record, the oldest first.
func (s *Store) CasesOfRecord(ctx context.Context, scope Scope, serviceRecordID int64) ([]Case, error) {
	inScope, args := scope.where(2)
	var rows []caseRow
	err := s.db.SelectContext(ctx, &rows,
		`SELECT`+caseColumns+caseJoins+` WHERE v.service_record_id = $1 AND `+inScope+` ORDER BY v.id`, append([]any{serviceRecordID}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("cases of service record %d: %w", serviceRecordID, err)
	}
	return toCases(rows), nil
}

func toCases(rows []caseRow) []Case {
	cases := make([]Case, 0, len(rows))
	for _, r := range rows {
		cases = append(cases, r.toCase())
	}
	return cases
}

// Scope is what of all cases a person may see. Every list, count and look-up is
// filtered by it. The zero scope sees nothing.
type Scope struct {
	Everything   bool   // for the operator's command line
	RegionCode   string // the subtree of this region
	Depth        int    // of the region, 1 for the province; 0 when not known, which is slower
	DepartmentID int64  // and of it only this department, unless 0
}

// where gives the condition on cases c, with arguments from n on.
func (sc Scope) where(n int) (condition string, args []any) {
	if sc.Everything {
		return "TRUE", nil
	}
	// The cases of a department are found by the department: where they lie is asked of
	// each, for they nearly all lie there, and an index would only list all others too.
	if sc.Depth > 0 && sc.DepartmentID == 0 {
		condition = fmt.Sprintf("c.region_path[%d] = $%d", sc.Depth, n)
	} else {
		condition = fmt.Sprintf("c.region_path @> ARRAY[$%d]", n)
	}
	args = []any{sc.RegionCode}
	if sc.DepartmentID != 0 {
		condition += fmt.Sprintf(" AND c.department_id = $%d", n+1)
		args = append(args, sc.DepartmentID)
	}
	return condition, args
}

// RecordedEvent is an event with what only the database knows of it.
type RecordedEvent struct {
	casework.Event

	Number           string
	Key              string // of the request that recorded it, or the clock's own
	Article          string
	Rule             string // of the policy, that allowed it; empty for the clock
	UserName         string // empty for the clock
	OrganisationName string
	// OrganisationLevel is that of its region today; empty for the clock.
	OrganisationLevel casework.AdminLevel
	// The names behind the numbers in the body, where it has any.
	AssigneeName   string
	FromDepartment string
	ToDepartment   string
	Build          string
}

type eventRow struct {
	CaseNumber        string    `db:"case_number"`
	Seq               int       `db:"seq"`
	Key               string    `db:"key"`
	Kind              string    `db:"kind"`
	At                time.Time `db:"at"`
	UserID            int64     `db:"by_user_id"`
	OrganisationID    int64     `db:"by_organisation_id"`
	Role              string    `db:"by_role"`
	Rule              string    `db:"by_rule"`
	Article           string    `db:"article"`
	Body              []byte    `db:"body"`
	Build             string    `db:"build"`
	UserName          string    `db:"user_name"`
	OrganisationName  string    `db:"organisation_name"`
	OrganisationLevel string    `db:"organisation_level"`
	AssigneeName      string    `db:"assignee_name"`
	FromDepartment    string    `db:"from_department"`
	ToDepartment      string    `db:"to_department"`
}

// calledThen begins the name that an organisation had when event e was recorded:
// its identifier follows, then calledThenEnd, and its name of today.
const (
	calledThen    = `COALESCE((SELECT f.name FROM former_names f WHERE f.entered_at > e.recorded_at AND f.organisation_id = `
	calledThenEnd = `.id ORDER BY f.id LIMIT 1), `
)

const eventColumns = `
	e.case_number, e.seq, e.key, e.kind, e.at, COALESCE(e.by_user_id, 0) AS by_user_id,
	COALESCE(e.by_organisation_id, 0) AS by_organisation_id, COALESCE(e.by_role, '') AS by_role,
	COALESCE(e.by_rule, '') AS by_rule, e.article, e.body, e.build,
	COALESCE(u.display_name, '') AS user_name, ` + calledThen + `o` + calledThenEnd + `o.name, '') AS organisation_name,
	COALESCE(organisation_region.level, '') AS organisation_level, COALESCE(assignee.display_name, '') AS assignee_name,
	` + calledThen + `from_department` + calledThenEnd + `from_department.name, '') AS from_department, ` + calledThen + `to_department` + calledThenEnd + `to_department.name, '') AS to_department`

const eventJoins = `
	FROM case_events e
	LEFT JOIN users u ON u.id = e.by_user_id
	LEFT JOIN organisations o ON o.id = e.by_organisation_id
	LEFT JOIN regions organisation_region ON organisation_region.code = o.region_code
	LEFT JOIN users assignee ON assignee.id = CAST(e.body ->> 'user_id' AS bigint)
	LEFT JOIN organisations from_department ON from_department.id = CAST(e.body ->> 'from_department_id' AS bigint)
	LEFT JOIN organisations to_department ON to_department.id = CAST(e.body ->> 'to_department_id' AS bigint)`

func (r eventRow) toEvent() (RecordedEvent, error) {
	body, err := casework.DecodeBody(casework.EventKind(r.Kind), json.RawMessage(r.Body))
	if err != nil {
		return RecordedEvent{}, fmt.Errorf("event %d of %s: %w", r.Seq, r.CaseNumber, err)
	}
	by := casework.By{UserID: r.UserID, OrganisationID: r.OrganisationID, Role: casework.Role(r.Role), Rule: r.Rule}
	return RecordedEvent{
		Event:  casework.Event{Seq: r.Seq, At: r.At, By: by, Body: body},
		Number: r.CaseNumber, Key: r.Key, Article: r.Article, Rule: r.Rule,
		UserName: r.UserName, OrganisationName: r.OrganisationName, OrganisationLevel: casework.AdminLevel(r.OrganisationLevel), Build: r.Build,
		AssigneeName: r.AssigneeName, FromDepartment: r.FromDepartment, ToDepartment: r.ToDepartment,
	}, nil
}

func toEvents(rows []eventRow) ([]RecordedEvent, error) {
	events := make([]RecordedEvent, 0, len(rows))
	for _, r := range rows {
		e, err := r.toEvent()
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

// EventsOf lists all events of a case, oldest first.
func (s *Store) EventsOf(ctx context.Context, number string) ([]RecordedEvent, error) {
	return eventsOf(ctx, s.db, number)
}

func eventsOf(ctx context.Context, q sqlx.QueryerContext, number string) ([]RecordedEvent, error) {
	var rows []eventRow
	if err := sqlx.SelectContext(ctx, q, &rows, `SELECT`+eventColumns+eventJoins+` WHERE e.case_number = $1 ORDER BY e.seq`, number); err != nil {
		return nil, fmt.Errorf("events of %s: %w", number, err)
	}
	return toEvents(rows)
}

// EventFilter narrows the auditor's list. A zero field narrows nothing.
type EventFilter struct {
	Kind         casework.EventKind
	UserID       int64     // who did it
	Person       string    // the same by part of the name, or by user name
	From, Until  time.Time // at or after, and before
	Number       string    // of the case
	DepartmentID int64     // that has the case
	Department   string    // the same by part of the name
	Before       EventCursor
	Limit        int // 1 to 200
}

// EventCursor is the place of an event in the auditor's list.
type EventCursor struct {
	At     time.Time `json:"at"`
	Number string    `json:"number"`
	Seq    int       `json:"seq"`
}

// Events lists what happened to the cases in scope, newest first.
func (s *Store) Events(ctx context.Context, scope Scope, f EventFilter) ([]RecordedEvent, error) {
	query, args := listingOfEvents(scope, f).page(f.Limit)
	var rows []eventRow
	if err := s.db.SelectContext(ctx, &rows, query, args...); err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return toEvents(rows)
}

// listingOfEvents is the list of what happened to the cases in scope, as far as it
// passes the filter.
func listingOfEvents(scope Scope, f EventFilter) listing {
	l := listing{
		columns: eventColumns,
		from: eventJoins + ` JOIN cases c ON c.number = e.case_number JOIN regions r ON r.code = c.region_code
			JOIN organisations d ON d.id = c.department_id`,
		order: "e.at DESC, e.case_number DESC, e.seq DESC",
	}
	l.within(scope)
	if f.Kind != "" {
		l.add("e.kind = $%d", string(f.Kind))
	}
	l.addPerson("e.by_user_id", f.UserID, f.Person)
	l.addTimes("e.at", f.From, f.Until)
	if f.Number != "" {
		l.add("e.case_number = $%d", f.Number)
	}
	if f.DepartmentID != 0 {
		l.add("c.department_id = $%d", f.DepartmentID)
	}
	if f.Department != "" {
		l.add("strpos(d.name, $%d) > 0", f.Department)
	}
	if f.Before.Number != "" {
		l.add("(e.at < $%[1]d OR (e.at = $%[1]d AND (e.case_number, e.seq) < ($%[2]d, $%[3]d)))", f.Before.At, f.Before.Number, f.Before.Seq)
	}
	return l
}

// SetClockOffset notes that a case was fast-forwarded: its own now is the
// server's plus this.
func (s *Store) SetClockOffset(ctx context.Context, number string, offset time.Duration) error {
	_, err := s.db.ExecContext(ctx, `UPDATE cases SET clock_offset_secs = $2 WHERE number = $1`, number, int64(offset/time.Second))
	if err != nil {
		return fmt.Errorf("clock offset of %s: %w", number, err)
	}
	return nil
}

// CaseNumberOf finds the case of a service record, whatever its source; for the
// demo and for tests.
func (s *Store) CaseNumberOf(ctx context.Context, recordNumber string) (string, error) {
	var number string
	err := s.db.GetContext(ctx, &number, `
		SELECT c.number FROM cases c JOIN reviews v ON v.id = c.review_id
		WHERE v.record_number = $1 ORDER BY c.created_at LIMIT 1`, recordNumber)
	return number, notFound(err, "case")
}
