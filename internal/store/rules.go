package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"guiling/internal/casework"
)

// rulesKey names published rules. They never change, so they are read once.
type rulesKey struct {
	packID          string
	packVersion     int
	calendarVersion string
}

// RulesOf gives the rules under which a case runs: the version of the pack with
// which it began and, where that asks for one, the calendar that it adopted last.
func (s *Store) RulesOf(ctx context.Context, packID string, packVersion int, calendarVersion string) (casework.Rules, error) {
	key := rulesKey{packID, packVersion, calendarVersion}
	if known, ok := s.rules.Load(key); ok {
		return known.(casework.Rules), nil //nolint:errcheck,forcetypeassert // nothing else is stored there
	}
	var rules casework.Rules
	// That a case has rules is a promise of ours: what is missing is no mistake of
	// whoever asked for the case.
	err := s.readJSON(ctx, &rules.Pack, `SELECT body FROM rule_packs WHERE id = $1 AND version = $2`, packID, packVersion)
	if err != nil {
		return casework.Rules{}, fmt.Errorf("rule pack %s version %d: %w", packID, packVersion, err)
	}
	if calendarVersion != "" {
		err := s.readJSON(ctx, &rules.Calendar, `SELECT body FROM calendars WHERE version = $1`, calendarVersion)
		if err != nil {
			return casework.Rules{}, fmt.Errorf("calendar %s: %w", calendarVersion, err)
		}
	}
	s.rules.Store(key, rules)
	return rules, nil
}

// RulesInForce gives the rules with which a case begins at an instant: of the
// pack's versions the one that is in effect on that day, with the newest calendar
// where it asks for one. A pack that is not in effect yet is an error.
func (s *Store) RulesInForce(ctx context.Context, packID string, at time.Time) (casework.Rules, error) {
	var rules casework.Rules
	day := casework.DateOf(at)
	err := s.readJSON(ctx, &rules.Pack, `
		SELECT body FROM rule_packs WHERE id = $1 AND effective_from <= CAST($2 AS date)
		ORDER BY effective_from DESC, version DESC LIMIT 1`, packID, day.String())
	if err != nil {
		return casework.Rules{}, fmt.Errorf("rule pack %s on %s: %w", packID, day, err)
	}
	if rules.Pack.NeedsCalendar() {
		if rules.Calendar, err = s.NewestCalendar(ctx); err != nil {
			return casework.Rules{}, err
		}
	}
	return rules, nil
}

// RulePacks lists the newest version of every published pack, by id.
func (s *Store) RulePacks(ctx context.Context) ([]casework.RulePack, error) {
	var bodies [][]byte
	err := s.db.SelectContext(ctx, &bodies, `SELECT DISTINCT ON (id) body FROM rule_packs ORDER BY id, version DESC`)
	if err != nil {
		return nil, fmt.Errorf("list rule packs: %w", err)
	}
	packs := make([]casework.RulePack, len(bodies))
	for i, body := range bodies {
		if err := json.Unmarshal(body, &packs[i]); err != nil {
			return nil, fmt.Errorf("read a rule pack: %w", err)
		}
	}
	return packs, nil
}

// NewestCalendar gives the calendar that was published last.
func (s *Store) NewestCalendar(ctx context.Context) (casework.Calendar, error) {
	var c casework.Calendar
	err := s.readJSON(ctx, &c, `SELECT body FROM calendars ORDER BY published_at DESC, version DESC LIMIT 1`)
	return c, notFound(err, "calendar")
}

// Calendar gives the published calendar of a version.
func (s *Store) Calendar(ctx context.Context, version string) (casework.Calendar, error) {
	var c casework.Calendar
	err := s.readJSON(ctx, &c, `SELECT body FROM calendars WHERE version = $1`, version)
	return c, notFound(err, "calendar")
}

// CalendarVersions lists the versions of the published calendars, newest first.
func (s *Store) CalendarVersions(ctx context.Context) ([]string, error) {
	var versions []string
	err := s.db.SelectContext(ctx, &versions, `SELECT version FROM calendars ORDER BY published_at DESC, version DESC`)
	if err != nil {
		return nil, fmt.Errorf("list calendars: %w", err)
	}
	return versions, nil
}

// PublishCalendar makes a calendar the one by which new clocks count; running
// cases adopt it. Publishing it again changes nothing, and fresh is false.
func (s *Store) PublishCalendar(ctx context.Context, c casework.Calendar) (fresh bool, err error) {
	body, err := json.Marshal(c)
	if err != nil {
		return false, fmt.Errorf("publish calendar %s: %w", c.Version, err)
	}
	result, err := s.db.ExecContext(ctx, `
		INSERT INTO calendars (version, published_through, body) VALUES ($1, CAST($2 AS date), $3) ON CONFLICT (version) DO NOTHING`,
		c.Version, c.PublishedThrough.String(), body)
	if err != nil {
		return false, fmt.Errorf("publish calendar %s: %w", c.Version, err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// PublishedCalendar is a calendar in the list of those that were published.
type PublishedCalendar struct {
	Version          string
	PublishedThrough casework.Date // the last day that it knows
	PublishedAt      time.Time
	Cases            int // running cases that count by it
}

type calendarRow struct {
	Version          string    `db:"version"`
	PublishedThrough string    `db:"published_through"`
	PublishedAt      time.Time `db:"published_at"`
	Cases            int       `db:"cases"`
}

// PublishedCalendars lists the published calendars, newest first.
func (s *Store) PublishedCalendars(ctx context.Context) ([]PublishedCalendar, error) {
	var rows []calendarRow
	err := s.db.SelectContext(ctx, &rows, `
		SELECT version, CAST(published_through AS text) AS published_through, published_at,
			(SELECT count(*) FROM cases WHERE calendar_version = calendars.version AND `+workGoesOn+`) AS cases
		FROM calendars ORDER BY published_at DESC, version DESC`)
	if err != nil {
		return nil, fmt.Errorf("list calendars: %w", err)
	}
	calendars := make([]PublishedCalendar, len(rows))
	for i, r := range rows {
		through, err := casework.ParseDate(r.PublishedThrough)
		if err != nil {
			return nil, fmt.Errorf("calendar %s: %w", r.Version, err)
		}
		calendars[i] = PublishedCalendar{Version: r.Version, PublishedThrough: through, PublishedAt: r.PublishedAt, Cases: r.Cases}
	}
	return calendars, nil
}

// workGoesOn is the condition on a case that is neither closed nor ended, as the
// index open_cases_by_calendar writes it.
const workGoesOn = `stage NOT IN ('closed', 'spot_check', 'invalid', 'withdrawn', 'merged', 'archived')`

// toRecount is the condition on running cases that count their days by another
// calendar than $1. Cases that are late are not among them: their deadline has
// passed.
const toRecount = `calendar_version <> $1 AND overdue_since IS NULL AND ` + workGoesOn

// CountCasesToRecount says how many cases CasesToRecount lists in all.
func (s *Store) CountCasesToRecount(ctx context.Context, calendarVersion string) (int, error) {
	var n int
	if err := s.db.GetContext(ctx, &n, `SELECT count(*) FROM cases WHERE `+toRecount, calendarVersion); err != nil {
		return 0, fmt.Errorf("cases with another calendar than %s: %w", calendarVersion, err)
	}
	return n, nil
}

// CasesToRecount lists running cases that count their days by another calendar
// than this one and are not late, in the order of their numbers, behind the one
// given.
func (s *Store) CasesToRecount(ctx context.Context, calendarVersion, after string, limit int) ([]string, error) {
	var numbers []string
	err := s.db.SelectContext(ctx, &numbers, `
		SELECT number FROM cases WHERE `+toRecount+` AND number > $2 ORDER BY number LIMIT $3`, calendarVersion, after, limit)
	if err != nil {
		return nil, fmt.Errorf("cases with another calendar than %s: %w", calendarVersion, err)
	}
	return numbers, nil
}

func (s *Store) readJSON(ctx context.Context, into any, query string, args ...any) error {
	var body []byte
	if err := s.db.GetContext(ctx, &body, query, args...); err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}
