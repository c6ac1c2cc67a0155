package web

import (
	"net/http"

	"guiling/internal/httpstatus"
	"guiling/internal/store"
)

const sessionsPath = "/admin/sessions"

type sessionsPage struct {
	adminFrame

	Rows []sessionRow
	Done string
}

type sessionRow struct {
	store.Session

	Path string // of the person
	Mine bool
}

// showSessions answers GET /admin/sessions: who is signed in, in the subtree.
func showSessions(v *visit) error {
	sessions, err := v.site.Commands.ListSessions(v.Request().Context(), v.user.Actor)
	if err != nil {
		return err
	}
	p := sessionsPage{adminFrame: v.adminFrame(v.say.T("admin.sessions"), sessionsPath), Done: v.takeDone()}
	for _, session := range sessions {
		p.Rows = append(p.Rows, sessionRow{Session: session, Path: personPath(session.UserID), Mine: session.UserID == v.user.ID})
	}
	return v.render(http.StatusOK, "sessions", p)
}

// endSessionsOf answers POST /admin/people/:id/end-sessions.
func endSessionsOf(v *visit) error {
	id, err := v.personID()
	if err != nil {
		return err
	}
	if err := v.site.Commands.EndSessionsOf(v.Request().Context(), v.user.Actor, id); err != nil {
		return err
	}
	return v.done(personPath(id), "sessions_ended")
}

// resetSignIn answers POST /admin/people/:id/reset-sign-in. The link is on this page
// and nowhere else.
func resetSignIn(v *visit) error {
	id, err := v.personID()
	if err != nil {
		return err
	}
	secret, err := v.site.Commands.ResetSignIn(v.Request().Context(), v.user.Actor, id)
	if refused, ok := mend(err); ok {
		return v.renderPerson(httpstatus.Of(refused), id, nil, v.say.T("error."+refused.Reason))
	}
	if err != nil {
		return err
	}
	return v.renderPersonWith(http.StatusOK, id, nil, personExtra{Link: "/welcome/" + secret})
}
