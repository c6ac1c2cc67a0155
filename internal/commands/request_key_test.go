package commands_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"guiling/internal/casework"
	"guiling/internal/commands"
)

// asked is all that a request key may depend on.
type asked struct {
	user    int64
	request commands.Request
	version int // of the case
}

func anyRequest(t *rapid.T) asked {
	text := rapid.StringN(0, 40, 200)
	command := rapid.OneOf(
		rapid.Custom(func(t *rapid.T) casework.Command { return casework.Escalate{Reason: text.Draw(t, "reason")} }),
		rapid.Custom(func(t *rapid.T) casework.Command { return casework.Withdraw{Reason: text.Draw(t, "reason")} }),
		rapid.Just[casework.Command](casework.Claim{}),
	)
	return asked{
		user:    rapid.Int64Min(1).Draw(t, "user"),
		version: rapid.IntRange(1, 9).Draw(t, "version of the case"),
		request: commands.Request{
			Number: text.Draw(t, "number"), Key: text.Draw(t, "key"), Version: rapid.IntRange(0, 9).Draw(t, "version seen"),
			Command: command.Draw(t, "command"),
		},
	}
}

func keyOf(t require.TestingT, a asked) string {
	key, err := commands.RequestKey(casework.Actor{UserID: a.user}, a.request, a.version)
	require.NoError(t, err)
	return key
}

func TestRequestKeyTellsRequestsApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		one := anyRequest(t)
		key := keyOf(t, one)
		require.Equal(t, key, keyOf(t, one), "the same request has the same name")
		require.Less(t, len(key), 255, "it is the id of an Update")
		require.True(t, strings.HasPrefix(key, string(one.request.Command.Action())+"/"))
		require.NotContains(t, key, "\x00")

		other := one
		other.user++
		require.NotEqual(t, key, keyOf(t, other), "another person")
		other = one
		other.request.Number += "x"
		require.NotEqual(t, key, keyOf(t, other), "another case")
		other = one
		other.request.Command = casework.Pause{Category: casework.PauseOther, Reason: "x"}
		require.NotEqual(t, key, keyOf(t, other), "another action")
		other = one
		other.request.Key += "x"
		require.NotEqual(t, key, keyOf(t, other), "another key")
		// What stands in one field can never pass for two.
		other = one
		other.request.Number, other.request.Key = one.request.Number+`" "`+one.request.Key, ""
		require.NotEqual(t, key, keyOf(t, other))

		later := one
		later.version++
		if one.request.Key != "" || one.request.Version != 0 {
			require.Equal(t, key, keyOf(t, later), "a request that is sent again after the case moved on is the same")
		} else {
			require.NotEqual(t, key, keyOf(t, later), "a click on what is there now is another")
		}
	})
}

func TestRequestKeyWithoutAKey(t *testing.T) {
	t.Parallel()
	one := asked{user: 7, version: 4, request: commands.Request{Number: "c", Command: casework.Claim{}}}
	said := one
	said.request.Version = 4
	require.Equal(t, keyOf(t, one), keyOf(t, said), "the version that was seen is the one there is")
	said.request.Version = 3
	require.NotEqual(t, keyOf(t, one), keyOf(t, said))
	withKey := one
	withKey.request.Key = "k"
	require.NotEqual(t, keyOf(t, one), keyOf(t, withKey))
}
