package commands_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/commands"
)

// machine is a time machine that notes where it was sent.
type machine struct{ sent []time.Duration }

func (m *machine) FastForward(_ context.Context, _, _, _ string, by time.Duration) (time.Time, error) {
	m.sent = append(m.sent, by)
	return viewedAt.Add(by), nil
}

// TestTimeIsNotMovedWhereThereAreRealCases: nothing is asked of the engine, also
// when the cases came after the start.
func TestTimeIsNotMovedWhereThereAreRealCases(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	m := &machine{}
	training := commands.Training{Store: d.store, Machine: m, Namespace: "guiling", Now: func() time.Time { return viewedAt }}
	number := d.cases[0].Number
	_, err := training.FastForward(t.Context(), number, 0)
	require.Equal(t, "fast_forward_range", reasonOf(t, err))
	_, err = training.FastForward(t.Context(), number, 91*24*time.Hour)
	require.Equal(t, "fast_forward_range", reasonOf(t, err))
	_, err = training.FastForward(t.Context(), number, 24*time.Hour)
	require.NoError(t, err)
	require.Equal(t, []time.Duration{24 * time.Hour}, m.sent)
	row, err := d.store.CaseByNumber(t.Context(), number)
	require.NoError(t, err)
	require.Equal(t, 24*time.Hour, row.ClockOffset, "the case has its own now")

	owner, err := sql.Open("postgres", d.db.OwnerURL)
	require.NoError(t, err)
	defer func() { require.NoError(t, owner.Close()) }()
	_, err = owner.ExecContext(t.Context(), `UPDATE cases SET created_at = '2001-01-01' WHERE number = $1`, d.cases[1].Number)
	require.NoError(t, err)
	_, err = training.FastForward(t.Context(), number, 24*time.Hour)
	require.Equal(t, "training_real_cases", reasonOf(t, err))
	require.Len(t, m.sent, 1)
}

// TestAJumpToTheNextThing: to the instant at which the clock of the case does
// something, and for who may read it.
func TestAJumpToTheNextThing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	number, handler := d.earlier.Number, d.person(t, "zhanhe.zhujian.fu")
	require.Equal(t, "not_found", reasonOf(t, d.service.FastForward(t.Context(), handler, number, commands.Jump{})), "no training here")
	m := &machine{}
	d.service.Train(commands.Training{Store: d.store, Machine: m, Namespace: "guiling", Now: func() time.Time { return viewedAt }})
	view, err := d.service.ViewCase(t.Context(), handler, number)
	require.NoError(t, err)
	require.NotNil(t, view.NextAlarm)
	require.NoError(t, d.service.FastForward(t.Context(), handler, number, commands.Jump{}))
	require.NoError(t, d.service.FastForward(t.Context(), handler, number, commands.Jump{Days: 15}))
	wait := view.NextAlarm.Sub(view.Now)
	require.Positive(t, m.sent[0])
	require.Equal(t, max(wait, 0)+2*time.Second, m.sent[0])
	require.Equal(t, 15*24*time.Hour, m.sent[1])
	require.Equal(t, "fast_forward_range", reasonOf(t, d.service.FastForward(t.Context(), handler, number, commands.Jump{Days: -1})))
	outsider := d.person(t, "zhanhe.ziran.chen")
	require.Equal(t, "case_not_found", reasonOf(t, d.service.FastForward(t.Context(), outsider, number, commands.Jump{Days: 1})))
	require.Len(t, m.sent, 2)
}

func reasonOf(t *testing.T, err error) string {
	t.Helper()
	domain, ok := casework.AsError(err)
	require.True(t, ok, "%v", err)
	return domain.Reason
}
