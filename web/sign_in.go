package web

import (
	"net/http"
	"net/url"
	"strings"

	"guiling/internal/casework"
	"guiling/internal/httpstatus"
	"guiling/internal/store"
)

// maxPasswordSent bounds what is hashed, in bytes. No password is as long.
const maxPasswordSent = 1 << 10

type signInPage struct {
	frame

	Next      string
	Username  string
	Error     string
	Typed     []keptText
	DemoUsers []demoOrganisation
}

// demoOrganisation is an organisation of the demo with its invented people.
type demoOrganisation struct {
	Name   string
	People []demoPerson
}

type demoPerson struct {
	person

	Username, Position string
}

// showSignIn answers GET /sign-in.
func showSignIn(v *visit) error {
	if v.known() {
		return v.redirect("/")
	}
	return v.renderSignIn(http.StatusOK, signInPage{Next: ownPath(v.QueryParam("next"))})
}

func (v *visit) renderSignIn(status int, p signInPage) error {
	p.frame = v.frame(v.say.T("sign_in.title"), "")
	// Changing the language of this page must not lose where it leads to.
	p.Here = "/sign-in?next=" + url.QueryEscape(p.Next)
	people, err := v.site.Identity.DemoUsers(v.Request().Context())
	if err != nil {
		return err
	}
	for _, u := range people {
		n := len(p.DemoUsers)
		if n == 0 || p.DemoUsers[n-1].Name != u.OrganisationName {
			p.DemoUsers = append(p.DemoUsers, demoOrganisation{Name: u.OrganisationName})
			n++
		}
		p.DemoUsers[n-1].People = append(p.DemoUsers[n-1].People, demoPerson{
			person: v.describe(u), Username: u.Username, Position: u.Position,
		})
	}
	return v.render(status, "sign_in", p)
}

// signIn answers POST /sign-in with a name and a password.
func signIn(v *visit) error {
	username, password := v.form.Get("username"), v.form.Get("password")
	user, err := func() (store.User, error) {
		if err := v.mayTry(username); err != nil {
			return store.User{}, err
		}
		if len(password) > maxPasswordSent {
			return store.User{}, &casework.Error{Code: casework.CodeUnauthorized, Reason: "wrong_credentials", Detail: "too long"}
		}
		return v.site.Identity.SignIn(v.Request().Context(), username, password)
	}()
	return v.finishSignIn(user, err)
}

// signInDemo answers POST /sign-in/demo: one of the invented people, where there
// is a demo.
func signInDemo(v *visit) error {
	user, err := func() (store.User, error) {
		if err := v.mayTry(""); err != nil {
			return store.User{}, err
		}
		return v.site.Identity.SignInDemo(v.Request().Context(), v.form.Get("username"))
	}()
	return v.finishSignIn(user, err)
}

// mayTry slows down who tries many passwords, by address and by name.
func (v *visit) mayTry(username string) error {
	if err := allow(v.site.limits.signInByAddress, v.RealIP()); err != nil {
		return err
	}
	if username == "" {
		return nil
	}
	return allow(v.site.limits.signInByName, strings.ToLower(strings.TrimSpace(username)))
}

// finishSignIn begins a new session, so that a token from before is worth
// nothing, or shows the form again.
func (v *visit) finishSignIn(user store.User, err error) error {
	ctx := v.Request().Context()
	next := ownPath(v.form.Get("next"))
	if domain, ok := casework.AsError(err); ok {
		v.site.Log.WarnContext(ctx, "sign-in refused", "reason", domain.Reason, "remote", v.RealIP())
		return v.renderSignIn(httpstatus.Of(domain), signInPage{
			Next: next, Username: v.typed("username"), Error: v.say.T("error." + domain.Reason),
		})
	}
	if err != nil {
		return err
	}
	if err := v.site.Sessions.RenewToken(ctx); err != nil {
		return err
	}
	v.site.Sessions.Put(ctx, sessionUserID, user.ID)
	v.site.Log.InfoContext(ctx, "signed in", "user_id", user.ID, "remote", v.RealIP())
	return v.redirect(next)
}

// signOut answers POST /sign-out: the session ends here and in the store.
func signOut(v *visit) error {
	if err := v.site.Sessions.Destroy(v.Request().Context()); err != nil {
		return err
	}
	return v.redirect("/sign-in")
}
