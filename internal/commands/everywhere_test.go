package commands_test

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
)

// nowhere is a number that no case has.
const nowhere = "999999-20261125-000001"

// lists are the commands that show some of many cases: the numbers that they
// give away. A new one belongs here, or into perCase or apart; see
// TestEveryCommandIsHeldAgainstTheScope.
var lists = map[string]func(context.Context, *commands.Service, casework.Actor) ([]string, error){
	"ListCases": func(ctx context.Context, s *commands.Service, actor casework.Actor) ([]string, error) {
		return pages(func(after store.CaseCursor) ([]string, *store.CaseCursor, error) {
			page, err := s.ListCases(ctx, actor, store.CaseFilter{After: after, Limit: 17})
			return numbersOf(page.Cases), page.Next, err
		})
	},
	"ListOverdue": func(ctx context.Context, s *commands.Service, actor casework.Actor) ([]string, error) {
		page, err := s.ListOverdue(ctx, actor, store.CaseFilter{Limit: commands.MaxPage})
		return numbersOf(page.Cases), err
	},
	"ListEvents": func(ctx context.Context, s *commands.Service, actor casework.Actor) ([]string, error) {
		page, err := s.ListEvents(ctx, actor, store.EventFilter{Limit: commands.MaxPage})
		var numbers []string
		for _, e := range page.Events {
			numbers = append(numbers, e.Number)
		}
		return numbers, err
	},
	"ListReveals": func(ctx context.Context, s *commands.Service, actor casework.Actor) ([]string, error) {
		page, err := s.ListReveals(ctx, actor, store.RevealFilter{Limit: commands.MaxPage})
		var numbers []string
		for _, look := range page.Reveals {
			numbers = append(numbers, look.Number)
		}
		return numbers, err
	},
	"ExportCases": func(ctx context.Context, s *commands.Service, actor casework.Actor) ([]string, error) {
		var numbers []string
		rows, err := s.ExportCases(ctx, actor, store.CaseFilter{}, commands.ExportAs{Format: "csv"}, func(c store.Case) error {
			numbers = append(numbers, c.Number)
			return nil
		})
		return counted(numbers, rows, err)
	},
	"ExportEvents": func(ctx context.Context, s *commands.Service, actor casework.Actor) ([]string, error) {
		var numbers []string
		rows, err := s.ExportEvents(ctx, actor, store.EventFilter{}, commands.ExportAs{Format: "xlsx"}, func(e store.RecordedEvent) error {
			numbers = append(numbers, e.Number)
			return nil
		})
		return counted(numbers, rows, err)
	},
	"ExportReveals": func(ctx context.Context, s *commands.Service, actor casework.Actor) ([]string, error) {
		var numbers []string
		rows, err := s.ExportReveals(ctx, actor, store.RevealFilter{}, commands.ExportAs{Format: "csv"}, func(r store.RecordedReveal) error {
			numbers = append(numbers, r.Number)
			return nil
		})
		return counted(numbers, rows, err)
	},
	"ListExports": func(ctx context.Context, s *commands.Service, actor casework.Actor) ([]string, error) {
		return pages(func(before store.ExportCursor) ([]string, *store.ExportCursor, error) {
			page, err := s.ListExports(ctx, actor, store.ExportFilter{Before: before, Limit: 50})
			var numbers []string
			for _, x := range page.Exports {
				if x.Number != "" {
					numbers = append(numbers, x.Number)
				}
			}
			return numbers, page.Next, err
		})
	},
	"Inbox": func(ctx context.Context, s *commands.Service, actor casework.Actor) ([]string, error) {
		var numbers []string
		for _, view := range store.TaskViews() {
			page, err := s.Inbox(ctx, actor, store.TaskFilter{View: view, Limit: commands.MaxPage})
			if err != nil {
				return nil, err
			}
			for _, task := range page.Tasks {
				numbers = append(numbers, task.Case.Number)
			}
			if count, counted := page.Counts[view]; counted && count != len(page.Tasks) {
				return nil, casework.Conflict("count", "the count of "+string(view)+" is not what is listed")
			}
		}
		return numbers, nil
	},
	"ListSpotChecks": func(ctx context.Context, s *commands.Service, actor casework.Actor) ([]string, error) {
		return pages(func(after store.CaseCursor) ([]string, *store.CaseCursor, error) {
			page, err := s.ListSpotChecks(ctx, actor, after, 3)
			var numbers []string
			for _, check := range page.Checks {
				numbers = append(numbers, check.Case.Number)
			}
			return numbers, page.Next, err
		})
	},
	"WatchCases": func(ctx context.Context, s *commands.Service, actor casework.Actor) ([]string, error) {
		filter, err := s.WatchCases(actor)
		if err != nil {
			return nil, err
		}
		all, err := s.ListCases(ctx, wholeProvince(), store.CaseFilter{Limit: commands.MaxPage})
		var numbers []string
		for _, c := range all.Cases {
			event, may := filter(store.CaseChange{Number: c.Number, CasePlace: store.CasePlace{RegionPath: c.RegionPath, DepartmentID: c.DepartmentID}})
			if may {
				numbers = append(numbers, event.Number)
			}
		}
		return numbers, err
	},
	"ListNotifications": func(ctx context.Context, s *commands.Service, actor casework.Actor) ([]string, error) {
		unread, err := s.UnreadNotifications(ctx, actor)
		if err != nil {
			return nil, err
		}
		numbers, err := pages(func(before store.NotificationCursor) ([]string, *store.NotificationCursor, error) {
			page, err := s.ListNotifications(ctx, actor, store.NotificationFilter{Before: before, Limit: 17})
			var numbers []string
			for _, n := range page.Notifications {
				numbers = append(numbers, n.Number)
			}
			return numbers, page.Next, err
		})
		if err == nil && unread != min(len(numbers), commands.MaxUnread) {
			err = casework.Conflict("count", "the count is not what is listed")
		}
		return numbers, err
	},
	"SimulateRules": func(ctx context.Context, s *commands.Service, actor casework.Actor) ([]string, error) {
		simulated, err := s.SimulateRules(ctx, actor, commands.Proposal{Draft: draftOf(8)})
		var numbers []string
		for _, m := range simulated.Moves {
			numbers = append(numbers, m.Case.Number)
		}
		return numbers, err
	},
}

// wholeProvince sees all cases there are.
func wholeProvince() casework.Actor {
	return casework.Actor{
		UserID: 1, Roles: []casework.Role{casework.RoleSupervisor}, OrganisationKind: casework.KindAuthority, OrganisationID: 1,
		RegionCode: "410000000000", RegionPath: []string{"410000000000"}, Level: casework.LevelProvince,
	}
}

// perCase are the commands about one case.
var perCase = map[string]func(context.Context, *commands.Service, casework.Actor, string) error{
	"ViewCase": func(ctx context.Context, s *commands.Service, actor casework.Actor, number string) error {
		_, err := s.ViewCase(ctx, actor, number)
		return err
	},
	"Act": func(ctx context.Context, s *commands.Service, actor casework.Actor, number string) error {
		_, err := s.Act(ctx, actor, commands.Request{Number: number, Command: casework.Claim{}})
		return err
	},
	"AttachFile": func(ctx context.Context, s *commands.Service, actor casework.Actor, number string) error {
		_, _, err := s.AttachFile(ctx, actor, commands.Upload{Number: number, Name: "说明.txt", Content: []byte("已整改")})
		return err
	},
	"OpenAttachment": func(ctx context.Context, s *commands.Service, actor casework.Actor, number string) error {
		_, err := s.OpenAttachment(ctx, actor, number, "5a0d0f5e-5c2b-8d56-9a55-000000000001")
		return err
	},
	"ActOnMany": func(ctx context.Context, s *commands.Service, actor casework.Actor, number string) error {
		results, err := s.ActOnMany(ctx, actor, commands.ManyRequest{Items: []commands.ManyItem{{Number: number}}, Command: casework.Remind{}})
		if err != nil || results[0].Status == commands.RowDone {
			return err
		}
		return errors.Join(results[0].Refusal, errors.New(string(results[0].Status)+results[0].Case.Number))
	},
	"ViewMany": func(ctx context.Context, s *commands.Service, actor casework.Actor, number string) error {
		view, err := s.ViewMany(ctx, actor, []string{number})
		if err == nil && len(view.Cases)+len(view.Departments) == 0 {
			return errors.New("nothing")
		}
		return err
	},
	"Standing": func(ctx context.Context, s *commands.Service, actor casework.Actor, number string) error {
		_, err := s.Standing(ctx, actor, number)
		return err
	},
	"CasesOfReviewer": func(ctx context.Context, s *commands.Service, actor casework.Actor, number string) error {
		_, err := s.CasesOfReviewer(ctx, actor, number)
		return err
	},
	"AuditCase": func(ctx context.Context, s *commands.Service, actor casework.Actor, number string) error {
		_, err := s.AuditCase(ctx, actor, number)
		return err
	},
	"ExportCase": func(ctx context.Context, s *commands.Service, actor casework.Actor, number string) error {
		_, err := s.ExportCase(ctx, actor, number)
		return err
	},
	"ExplainPolicy": func(ctx context.Context, s *commands.Service, actor casework.Actor, number string) error {
		_, err := s.ExplainPolicy(ctx, actor, "zhanhe.ziran.chen", casework.ActionVerify, number)
		return err
	},
	"FastForward": func(ctx context.Context, s *commands.Service, actor casework.Actor, number string) error {
		return s.FastForward(ctx, actor, number, commands.Jump{Days: 1})
	},
	"KeepDraft": func(ctx context.Context, s *commands.Service, actor casework.Actor, number string) error {
		_, err := s.KeepDraft(ctx, actor, draftOn(number))
		return err
	},
	"EndDraft": func(ctx context.Context, s *commands.Service, actor casework.Actor, number string) error {
		return s.EndDraft(ctx, actor, draftOn(number))
	},
	"DraftsFor": func(ctx context.Context, s *commands.Service, actor casework.Actor, number string) error {
		_, err := s.DraftsFor(ctx, actor, number)
		return err
	},
	"TakeUp": func(ctx context.Context, s *commands.Service, actor casework.Actor, number string) error {
		sealed, err := s.SetAside(draftOn(number))
		if err != nil {
			return err
		}
		_, err = s.TakeUp(ctx, actor, sealed)
		return err
	},
	"RevealReviewer": func(ctx context.Context, s *commands.Service, actor casework.Actor, number string) error {
		_, err := s.RevealReviewer(ctx, actor, commands.Look{Number: number, Purpose: "回访"})
		return err
	},
}

// apart are the commands that show nothing of any case, each with the reason.
var apart = map[string]string{
	"SeenHints":        "one's own, and of no case",
	"PutHintAway":      "one's own, and of no case",
	"ViewBoard":        "counts, and names no case; TestBoardsCountWhatTheirPeopleSee",
	"ViewWorkload":     "counts, and names no case; TestWorkloadIsOnesOwn",
	"DecodePayloads":   "all or nothing, for auditors at the top",
	"NarrowingChoices": "names of matters and organisations with cases in scope; TestNarrowing",
	"ListViews":        "counts of what ListCases shows; TestSavedViews",
	"SaveView":         "keeps a question; TestSavedViews",
	"DropView":         "forgets a question; TestSavedViews",
	"ListAdminEvents":  "what administrators did, to people and organisations",
	"ListPeople":       "people and roles; TestPeopleOfTheSubtree holds them against the subtree",
	"ViewPerson":       "one of them; it counts open cases and names none",
	"CreatePerson":     "changes people, not cases",
	"ChangePerson":     "changes people, not cases",
	"DisablePerson":    "changes people, not cases",
	"AssignRoles":      "changes people, not cases",
	"ImportPeople":     "changes people, not cases",
	"ListKeys":         "the keys of the installation",
	"RotateKeys":       "the keys of the installation",
	"ViewPolicy":       "the rules",
	"PolicyMatrix":     "the rules",
	"CheckPolicy":      "the rules",
	"PublishPolicy":    "the rules",
	"ResetSignIn":      "of people, not cases",
	"EndSessionsOf":    "of people, not cases",
	"ListSessions":     "who is signed in, in the subtree",

	"OrganisationsForPeople": "organisations of the subtree",

	"ListOrganisations":   "organisations of the subtree; TestOrganisationsOfTheSubtree",
	"ViewOrganisation":    "one of them; it counts cases and names none",
	"CreateOrganisation":  "changes organisations; TestOrganisationsOfTheSubtree",
	"ChangeOrganisation":  "changes organisations; TestOrganisationsOfTheSubtree",
	"MoveDepartment":      "changes organisations; TestOrganisationsOfTheSubtree",
	"MergeDepartment":     "changes organisations; TestOrganisationsOfTheSubtree",
	"CloseOrganisation":   "changes organisations; TestOrganisationsOfTheSubtree",
	"ImportOrganisations": "changes organisations; TestOrganisationsOfTheSubtree",
	"CreateHall":          "changes halls; TestOrganisationsOfTheSubtree",
	"ChangeHall":          "changes halls; TestOrganisationsOfTheSubtree",
	"CloseHall":           "changes halls; TestOrganisationsOfTheSubtree",
	"CreateWindow":        "changes windows; TestOrganisationsOfTheSubtree",
	"ChangeWindow":        "changes windows; TestOrganisationsOfTheSubtree",
	"CloseWindow":         "changes windows; TestOrganisationsOfTheSubtree",

	"UnreadNotifications":        "a number; held against the list by ListNotifications",
	"ReadNotification":           "marks of the actor's own",
	"ReadNotifications":          "marks of the actor's own",
	"ReadNotificationsOf":        "marks of the actor's own; it says nothing",
	"NotificationSettings":       "the actor's own",
	"ChangeNotificationSettings": "the actor's own",
	"ChangeEmail":                "the actor's own",
	"ConfirmEmail":               "the actor's own",

	"ListTexts":  "texts, which speak of no case; TestTextsOfAnAuthority",
	"ViewText":   "one of them",
	"CreateText": "changes texts, not cases",
	"ChangeText": "changes texts, not cases",
	"RetireText": "changes texts, not cases",

	"ChoicesForMany":    "actions and colleagues of the own department",
	"SimulationChoices": "packs and calendars, which everybody may know",
}

func draftOn(number string) store.Draft {
	return store.Draft{Number: number, Action: casework.ActionVerify, FormKey: "k", Version: 1, Fields: map[string]string{"findings": "属实"}}
}

// counted fails where an export says other than it gave.
func counted(numbers []string, rows int, err error) ([]string, error) {
	if err == nil && rows != len(numbers) {
		return nil, casework.Conflict("count", "the count of the export is not what it gave")
	}
	return numbers, err
}

func numbersOf(cases []store.Case) []string {
	numbers := make([]string, 0, len(cases))
	for _, c := range cases {
		numbers = append(numbers, c.Number)
	}
	return numbers
}

// pages follows a list to its end.
func pages[C any](read func(C) ([]string, *C, error)) ([]string, error) {
	var all []string
	var after C
	for {
		numbers, next, err := read(after)
		if err != nil || next == nil {
			return append(all, numbers...), err
		}
		all, after = append(all, numbers...), *next
	}
}

// TestNobodySeesWhatLiesOutside: with cases all over the province, and tasks that
// stayed behind with organisations that no longer stand above them, no command
// gives anybody the number of a case that the policy does not let them read, and
// every command says of such a case what it says of one that never was.
func TestNobodySeesWhatLiesOutside(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.scatter(t)
	rows, err := d.store.Cases(t.Context(), store.Scope{Everything: true}, store.CaseFilter{Limit: commands.MaxPage})
	require.NoError(t, err)
	whole(t, d.store, rows)
	places := d.places(t, rows)
	ctx := t.Context()
	shown, hidden := map[string]int{}, map[string]int{}

	rapid.Check(t, func(t *rapid.T) {
		actor := rapid.SampledFrom(places).Draw(t, "place")
		actor.Roles = rapid.SliceOfNDistinct(rapid.SampledFrom(casework.Roles()), 0, 3, rapid.ID).Draw(t, "roles")
		if rapid.Bool().Draw(t, "at work") { // or few would have any work here
			actor.Roles = []casework.Role{casework.RoleHandler, casework.RoleSupervisor}
		}
		var outside []string
		mayRead := map[string]bool{}
		for _, row := range rows {
			mayRead[row.Number] = d.policy.Decide(actor, casework.ActionRead, commands.ObjectOf(row)).Allowed
			if !mayRead[row.Number] {
				outside = append(outside, row.Number)
			}
		}
		for name, list := range lists {
			numbers, err := list(ctx, d.service, actor)
			if refused, ok := casework.AsError(err); ok && refused.Code == casework.CodeForbidden {
				continue
			}
			require.NoError(t, err, name)
			for _, number := range numbers {
				require.True(t, mayRead[number], "%s shows %s to %+v", name, number, actor)
			}
			shown[name] += len(numbers)
			if name == "ListCases" || name == "WatchCases" || name == "ExportCases" {
				require.Len(t, numbers, len(rows)-len(outside), "every case that may be read is listed once")
			}
		}
		if len(outside) == 0 {
			return
		}
		number := rapid.SampledFrom(outside).Draw(t, "outside")
		for name, ask := range perCase {
			refused := ask(ctx, d.service, actor, number)
			require.Error(t, refused, "%s of %s by %+v", name, number, actor)
			require.Equal(t, ask(ctx, d.service, actor, nowhere), refused, "%s tells that %s is there", name, number)
			hidden[name]++
		}
	})
	for name := range lists {
		if name != "ListOverdue" { // nothing is overdue here
			require.NotZero(t, shown[name], "%s showed nothing to anybody", name)
		}
	}
	for name := range perCase {
		require.NotZero(t, hidden[name], name)
	}
}

// scatter moves the cases over the province and leaves their tasks where they are.
func (d desk) scatter(t *testing.T) {
	t.Helper()
	owner, err := sql.Open("postgres", d.db.OwnerURL)
	require.NoError(t, err)
	defer func() { require.NoError(t, owner.Close()) }()
	for i, c := range d.cases {
		places := []string{
			"410411000000", "410411001000", "410411200000", "410411200201", "410400000000",
			"410482000000", "419001000000", "410100000000",
		}
		_, err := owner.ExecContext(t.Context(), `
			UPDATE cases SET region_code = $2, stage = CASE WHEN $3 THEN 'spot_check' ELSE stage END WHERE number = $1`,
			c.Number, places[i%len(places)], i%5 == 0)
		require.NoError(t, err)
	}
	// A task for each department as it was, and one for the authority that served it.
	_, err = owner.ExecContext(t.Context(), `
		INSERT INTO tasks (case_number, key, kind, owner, organisation_id, opened_at)
		SELECT c.number, 'verify', 'verify', 'department', c.department_id, now() FROM cases c
		UNION ALL
		SELECT c.number, 'decide', 'decide_invalid', 'authority', o.parent_id, now()
		FROM cases c JOIN organisations o ON o.id = c.department_id`)
	require.NoError(t, err)
	_, err = owner.ExecContext(t.Context(), `
		INSERT INTO reveals (case_number, user_id, organisation_id, rule, purpose)
		SELECT c.number, $1, c.department_id, 'department-reveals-phone', '回访' FROM cases c`, d.users[0].ID)
	require.NoError(t, err)
	// Exports that auditors of the whole province took, wherever the cases are now.
	_, err = owner.ExecContext(t.Context(), `
		INSERT INTO exports (user_id, organisation_id, rule, what, format, region_code, case_number, rows, at)
		SELECT $1, c.department_id, 'auditor-reads', 'case', 'zip', '410411000000', c.number, 1, now() FROM cases c`, d.users[0].ID)
	require.NoError(t, err)
	// Everybody was told of everything, as if they had stood elsewhere then.
	_, err = owner.ExecContext(t.Context(), `
		INSERT INTO notifications (key, user_id, kind, case_number) SELECT c.number, u.id, 'overdue', c.number FROM cases c CROSS JOIN users u`)
	require.NoError(t, err)
}

// places are where people may stand: where those of the demo do, in the
// departments of the cases, and in the authorities that serve them.
func (d desk) places(t *testing.T, rows []store.Case) []casework.Actor {
	t.Helper()
	var places []casework.Actor
	for _, u := range d.users {
		places = append(places, u.Actor)
	}
	seen := map[string]bool{}
	for _, row := range rows {
		if seen[row.RegionCode] {
			continue
		}
		seen[row.RegionCode] = true
		authority, err := d.store.AuthorityOf(t.Context(), row.RegionCode)
		require.NoError(t, err)
		level := []casework.AdminLevel{
			casework.LevelProvince, casework.LevelCity, casework.LevelCounty, casework.LevelTownship, casework.LevelVillage,
		}[len(authority.RegionPath)-1]
		places = append(places,
			casework.Actor{
				UserID: d.users[0].ID, OrganisationID: authority.ID, OrganisationKind: casework.KindAuthority,
				RegionCode: authority.RegionCode, RegionPath: authority.RegionPath, Level: level,
			},
			casework.Actor{
				UserID: d.users[0].ID, OrganisationID: row.DepartmentID, OrganisationKind: casework.KindDepartment,
				RegionCode: row.RegionCode, RegionPath: row.RegionPath, Level: row.RegionLevel,
			})
	}
	return places
}

// TestEveryCommandIsHeldAgainstTheScope fails for a command that takes a person
// and stands in none of the tables above.
func TestEveryCommandIsHeldAgainstTheScope(t *testing.T) {
	t.Parallel()
	service := reflect.TypeFor[*commands.Service]()
	actor := reflect.TypeFor[casework.Actor]()
	found := 0
	for method := range service.Methods() {
		takesPerson := false
		for parameter := range method.Type.Ins() {
			takesPerson = takesPerson || parameter == actor
		}
		if !takesPerson {
			continue
		}
		found++
		in := 0
		if lists[method.Name] != nil {
			in++
		}
		if perCase[method.Name] != nil {
			in++
		}
		if strings.TrimSpace(apart[method.Name]) != "" {
			in++
		}
		require.Equal(t, 1, in, "%s is to stand in exactly one of lists, perCase and apart", method.Name)
	}
	require.Equal(t, found, len(lists)+len(perCase)+len(apart), "a name in the tables is no command")
}
