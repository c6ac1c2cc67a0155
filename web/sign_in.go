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
	Done      string // what led here
	Error     string
	Typed     []keptText
	Aside     bool // it is back in its form after the sign-in
	DemoUsers []demoOrganisation
	Elsewhere string // the name of an OpenID provider; empty: there is none
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
	return v.renderSignIn(http.StatusOK, signInPage{Next: ownPath(v.QueryParam("next")), Done: v.takeDone()})
}

func (v *visit) renderSignIn(status int, p signInPage) error {
	p.frame = v.frame(v.say.T("sign_in.title"), "")
	if v.site.OIDC != nil {
		p.Elsewhere = v.site.OIDC.Name()
	}
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
		return v.site.Identity.SignIn(v.Request().Context(), username, password, v.RealIP())
	}()
	if err == nil && user.SecondFactor {
		return v.halfSignedIn(user)
	}
	return v.finishSignIn(user, store.WayPassword, err)
}

// halfSignedIn keeps, for a few minutes, who has shown their password, and asks for
// the second factor.
func (v *visit) halfSignedIn(user store.User) error {
	ctx := v.Request().Context()
	if err := v.site.Sessions.RenewToken(ctx); err != nil {
		return err
	}
	ticket, err := v.site.Identity.HalfSignedIn(user)
	if err != nil {
		return err
	}
	v.site.Sessions.Remove(ctx, sessionID)
	v.site.Sessions.Put(ctx, sessionHalf, ticket)
	return v.redirect("/sign-in/code?next=" + url.QueryEscape(ownPath(v.form.Get("next"))))
}

type codePage struct {
	frame

	Next, Error string
}

// half gives the ticket of who has shown their password and not yet the second
// factor; empty for nobody.
func (v *visit) half() string { return v.site.Sessions.GetString(v.Request().Context(), sessionHalf) }

// showCode answers GET /sign-in/code.
func showCode(v *visit) error {
	if v.half() == "" {
		return v.redirect("/sign-in")
	}
	return v.renderCode(http.StatusOK, ownPath(v.QueryParam("next")), "")
}

func (v *visit) renderCode(status int, next, refusal string) error {
	p := codePage{frame: v.frame(v.say.T("code.title"), ""), Next: next, Error: refusal}
	p.Here = "/sign-in/code?next=" + url.QueryEscape(next)
	return v.render(status, "sign_in_code", p)
}

// checkCode answers POST /sign-in/code with a code of the app, or one for recovery.
func checkCode(v *visit) error {
	ticket := v.half()
	if ticket == "" {
		return v.redirect("/sign-in")
	}
	user, err := func() (store.User, error) {
		if err := v.mayTry(""); err != nil {
			return store.User{}, err
		}
		if len(v.form.Get("code")) > 64 {
			return store.User{}, &casework.Error{Code: casework.CodeUnauthorized, Reason: "wrong_code", Detail: "too long"}
		}
		return v.site.Identity.CheckCode(v.Request().Context(), ticket, v.form.Get("code"), v.RealIP())
	}()
	if domain, ok := casework.AsError(err); ok {
		v.site.Log.WarnContext(v.Request().Context(), "second factor refused", "reason", domain.Reason, "remote", v.RealIP())
		return v.renderCode(httpstatus.Of(domain), ownPath(v.form.Get("next")), v.say.T("error."+domain.Reason))
	}
	return v.finishSignIn(user, store.WaySecondFactor, err)
}

// signInDemo answers POST /sign-in/demo: one of the invented people, where there
// is a demo.
func signInDemo(v *visit) error {
	user, err := func() (store.User, error) {
		if err := v.mayTry(""); err != nil {
			return store.User{}, err
		}
		return v.site.Identity.SignInDemo(v.Request().Context(), v.form.Get("username"), v.RealIP())
	}()
	return v.finishSignIn(user, store.WayDemo, err)
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
func (v *visit) finishSignIn(user store.User, way store.SignInWay, err error) error {
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
	aside := v.site.Sessions.GetBytes(ctx, sessionAside)
	if err := v.site.Sessions.RenewToken(ctx); err != nil {
		return err
	}
	for _, key := range v.site.Sessions.Keys(ctx) {
		v.site.Sessions.Remove(ctx, key) // nothing of whoever was here before
	}
	id, err := v.site.Identity.BeginSession(ctx, store.Session{
		UserID: user.ID, Way: way, Address: v.RealIP(), Browser: browserOf(v.Request().UserAgent()),
	})
	if err != nil {
		return err
	}
	v.site.Sessions.Put(ctx, sessionID, id)
	v.site.Log.InfoContext(ctx, "signed in", "user_id", user.ID, "remote", v.RealIP())
	v.takeUp(user, aside)
	return v.redirect(next)
}

// signOut answers POST /sign-out: the session ends here and in the store.
func signOut(v *visit) error {
	if v.known() {
		if err := v.site.Identity.EndSession(v.Request().Context(), v.user.ID, v.sessionID()); err != nil {
			return err
		}
	}
	if err := v.site.Sessions.Destroy(v.Request().Context()); err != nil {
		return err
	}
	return v.redirect("/sign-in")
}

// browserOf says in a few words with what somebody came, enough to know one's own.
func browserOf(agent string) string {
	find := func(names ...string) string {
		for i := 0; i+1 < len(names); i += 2 {
			if strings.Contains(agent, names[i]) {
				return names[i+1]
			}
		}
		return ""
	}
	browser := find("Edg/", "Edge", "MicroMessenger", "WeChat", "Firefox/", "Firefox", "Chrome/", "Chrome", "Safari/", "Safari")
	system := find("Windows", "Windows", "Android", "Android", "iPhone", "iPhone", "iPad", "iPad", "Mac OS X", "macOS", "Linux", "Linux")
	return strings.TrimSpace(browser + " " + system)
}
