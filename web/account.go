package web

import (
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"guiling/internal/casework"
	"guiling/internal/httpstatus"
	"guiling/internal/identity"
	"guiling/internal/store"
)

const (
	accountPath      = "/account"
	secondFactorPath = "/account/second-factor"
)

// sessionEnrolment keeps a second factor that is being set up, sealed.
const sessionEnrolment = "enrolment"

type accountPage struct {
	frame

	Username string
	// HasPassword: the account signs in with one here; the invented people do not.
	HasPassword, SecondFactor bool
	Account                   identity.Account
	Current                   string // this session
	Scopes                    []store.TokenScope
	Done                      string
	NewToken                  string // shown once
	ErrorField, Error         string
	TokenName                 string
}

// showAccount answers GET /account: one's own sign-ins, sessions, password, second
// factor and tokens.
func showAccount(v *visit) error {
	return v.renderAccount(http.StatusOK, accountPage{Done: v.takeDone()})
}

func (v *visit) renderAccount(status int, p accountPage) error {
	account, err := v.site.Identity.AccountOf(v.Request().Context(), v.user.ID)
	if err != nil {
		return err
	}
	p.frame, p.Account = v.frame(v.say.T("account.title"), accountPath), account
	p.Username, p.HasPassword, p.SecondFactor = v.user.Username, v.user.PasswordHash != "", v.user.SecondFactor
	p.Current, p.Scopes = v.sessionID(), store.TokenScopes()
	return v.render(status, "account", p)
}

// refuseAccount shows the page again with what was wrong.
func (v *visit) refuseAccount(err error) error {
	refused, ok := mend(err)
	if !ok {
		return err
	}
	return v.renderAccount(httpstatus.Of(refused), accountPage{
		ErrorField: refused.Field, Error: v.say.T("error." + refused.Reason), TokenName: v.typed("token_name"),
	})
}

// changePassword answers POST /account/password.
func changePassword(v *visit) error {
	old, password := v.form.Get("old_password"), v.form.Get("password")
	err := error(casework.Invalid("password_again", "password_differs", "typed differently the second time"))
	if len(old) <= maxPasswordSent && len(password) <= maxPasswordSent && password == v.form.Get("password_again") {
		err = v.site.Identity.ChangePassword(v.Request().Context(), v.user, old, password, v.RealIP(), v.sessionID())
	}
	if err != nil {
		return v.refuseAccount(err)
	}
	if err := v.site.Sessions.RenewToken(v.Request().Context()); err != nil {
		return err
	}
	return v.done(accountPath, "password")
}

// endOtherSessions answers POST /account/sessions/end-others.
func endOtherSessions(v *visit) error {
	if err := v.site.Identity.EndOtherSessions(v.Request().Context(), v.user.ID, v.sessionID()); err != nil {
		return err
	}
	return v.done(accountPath, "sessions")
}

// makeToken answers POST /account/tokens. The token is on this page and nowhere else.
func makeToken(v *visit) error {
	days, _ := strconv.Atoi(v.form.Get("token_days")) // none is refused
	token, err := v.site.Identity.MakeToken(v.Request().Context(), v.user.ID, identity.TokenRequest{
		Name: v.form.Get("token_name"), Scope: store.TokenScope(v.form.Get("token_scope")), Life: time.Duration(min(days, 400)) * 24 * time.Hour,
	})
	if err != nil {
		return v.refuseAccount(err)
	}
	return v.renderAccount(http.StatusOK, accountPage{NewToken: token})
}

// revokeToken answers POST /account/tokens/:id/revoke.
func revokeToken(v *visit) error {
	id, err := strconv.ParseInt(v.Param("id"), 10, 64)
	if err != nil {
		return errNoPage()
	}
	if err := v.site.Identity.RevokeToken(v.Request().Context(), v.user.ID, id); err != nil {
		return err
	}
	return v.done(accountPath, "token")
}

type secondFactorPage struct {
	frame

	// Required: nothing else is open before.
	Required bool
	Has      bool
	Secret   string
	// QRCode is a picture of our own making, as data.
	QRCode template.URL
	Codes  []string // recovery codes, shown once
	Error  string
}

// showSecondFactor answers GET /account/second-factor: a secret for an app. It is
// the same until it is confirmed, so that a page that is loaded again is no riddle.
func showSecondFactor(v *visit) error { return v.renderSecondFactor(http.StatusOK, "") }

func (v *visit) renderSecondFactor(status int, refusal string) error {
	p := secondFactorPage{
		frame: v.frame(v.say.T("second_factor.title"), accountPath), Has: v.user.SecondFactor,
		Required: v.site.Identity.NeedsSecondFactor(v.user), Error: refusal,
	}
	if p.Has {
		return v.render(status, "second_factor", p)
	}
	ctx := v.Request().Context()
	enrolment, err := v.site.Identity.SecondFactorAgain(v.user, v.site.Sessions.GetString(ctx, sessionEnrolment))
	if err != nil {
		if enrolment, err = v.site.Identity.BeginSecondFactor(v.user); err != nil {
			return err
		}
		v.site.Sessions.Put(ctx, sessionEnrolment, enrolment.Sealed)
	}
	p.Secret = enrolment.Secret
	p.QRCode = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(enrolment.QRCode)) //nolint:gosec // G203: made here, of base64
	return v.render(status, "second_factor", p)
}

// confirmSecondFactor answers POST /account/second-factor with a code of the app.
func confirmSecondFactor(v *visit) error {
	ctx := v.Request().Context()
	codes, err := v.site.Identity.ConfirmSecondFactor(ctx, v.user, v.site.Sessions.GetString(ctx, sessionEnrolment), v.form.Get("code"))
	if refused, ok := mend(err); ok {
		return v.renderSecondFactor(httpstatus.Of(refused), v.say.T("error."+refused.Reason))
	}
	if err != nil {
		return err
	}
	v.site.Sessions.Remove(ctx, sessionEnrolment)
	if err := v.site.Sessions.RenewToken(ctx); err != nil {
		return err
	}
	v.user.SecondFactor = true
	return v.render(http.StatusOK, "second_factor", secondFactorPage{
		frame: v.frame(v.say.T("second_factor.title"), accountPath), Has: true, Codes: codes,
	})
}

type firstPasswordPage struct {
	frame

	Path, Username, ErrorField, Error string
}

// showFirstPassword answers GET /welcome/:secret: a link of somebody's own.
func showFirstPassword(v *visit) error { return v.renderFirstPassword(http.StatusOK, "") }

func (v *visit) renderFirstPassword(status int, refusal string) error {
	user, err := v.site.Identity.UserByLink(v.Request().Context(), v.Param("secret"))
	if err != nil {
		return err
	}
	v.Response().Header().Set("Referrer-Policy", "no-referrer") // the address is a secret
	return v.render(status, "first_password", firstPasswordPage{
		frame: frame{Language: v.say.tag, Title: v.say.T("first_password.title"), Here: "/", Version: v.site.Version},
		Path:  "/welcome/" + v.Param("secret"), Username: user.Username, ErrorField: "password", Error: refusal,
	})
}

// setFirstPassword answers POST /welcome/:secret.
func setFirstPassword(v *visit) error {
	if err := allow(v.site.limits.signInByAddress, v.RealIP()); err != nil {
		return err
	}
	password := v.form.Get("password")
	err := error(casework.Invalid("password_again", "password_differs", "typed differently the second time"))
	if len(password) <= maxPasswordSent && password == v.form.Get("password_again") {
		err = v.site.Identity.SetFirstPassword(v.Request().Context(), v.Param("secret"), password, v.RealIP())
	}
	if refused, ok := mend(err); ok {
		return v.renderFirstPassword(httpstatus.Of(refused), v.say.T("error."+refused.Reason))
	}
	if err != nil {
		return err
	}
	return v.done("/sign-in", "first_password")
}
