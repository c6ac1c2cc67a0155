package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// maxForm is the largest form, in bytes. A Chinese character takes nine of them
// on the way, and a form has up to four texts of casework.MaxText characters.
const maxForm = 256 << 10

// visit is one request: who asks, in which language, and what was typed.
type visit struct {
	echo.Context

	site     *site
	say      localizer
	user     store.User // zero when nobody is signed in
	form     url.Values // of the body only, never of the address
	file     []byte     // that came with the form; nil when none did
	fileName string     // as it was sent

	session bool // opened, and not yet kept
}

// known reports whether somebody is signed in.
func (v *visit) known() bool { return v.user.ID != 0 }

// repeated are the fields of a path that may come more than once.
var repeated = map[string][]string{bulkPath: {fieldNumber}}

// readForm reads the body of what was posted. A field comes once, unless its path
// says otherwise.
func (v *visit) readForm() error {
	r := v.Request()
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	if v.carriesFile() {
		return v.readUpload()
	}
	r.Body = http.MaxBytesReader(v.Response(), r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return casework.Invalid("", "form_too_large", "the form is larger than any of ours")
		}
		return casework.Invalid("", "malformed_form", "the form could not be read")
	}
	for name, values := range r.PostForm {
		if len(values) != 1 && !slices.Contains(repeated[v.Path()], name) {
			return casework.Invalid(name, "malformed_form", "the field came more than once")
		}
		// Forms of actions say beside which field it is.
		if !isText(name) || !strings.Contains(v.Path(), ":action") && !isText(strings.Join(values, "")) {
			return errNotText(name)
		}
		// Browsers send line ends as CR LF; the domain counts characters.
		for i := range values {
			values[i] = strings.ReplaceAll(values[i], "\r\n", "\n")
		}
	}
	v.form = r.PostForm
	return nil
}

// checkAddress refuses an address with what no text holds and no database takes. What
// would name something is the name of nothing.
func (v *visit) checkAddress() error {
	for _, value := range v.ParamValues() {
		if !isText(value) {
			return errNoPage()
		}
	}
	for name, values := range v.QueryParams() {
		if !isText(name) || !isText(strings.Join(values, "")) {
			return errNotText(name)
		}
	}
	return nil
}

func errNotText(name string) *casework.Error {
	return casework.Invalid(strings.ToValidUTF8(name, string(utf8.RuneError)), "invalid_text", "a NUL, or no valid UTF-8")
}

func isText(value string) bool { return utf8.ValidString(value) && !strings.ContainsRune(value, 0) }

// typed gives what was typed into a field, for showing it again.
func (v *visit) typed(name string) string {
	return strings.ToValidUTF8(v.form.Get(name), string(utf8.RuneError))
}

// identify finds the person of the session and asks for one where one is needed.
// A person who was disabled since, or whose session was ended, is signed out; one
// who still has to set up a second factor gets nowhere else.
func (v *visit) identify(needs access) error {
	ctx := v.Request().Context()
	if id := v.sessionID(); id != "" {
		var err error
		who := v.site.Identity.UserOfSession
		if v.background() {
			who = v.site.Identity.SessionStands
		}
		v.user, err = who(ctx, id)
		if domain, ok := casework.AsError(err); ok && domain.Code == casework.CodeUnauthorized {
			if err := v.site.Sessions.Destroy(ctx); err != nil {
				return err
			}
			err, v.user = nil, store.User{}
		}
		if err != nil {
			return err
		}
	}
	switch {
	case needs == anybody:
		return nil
	case !v.known():
		return &casework.Error{Code: casework.CodeUnauthorized, Reason: "not_signed_in", Detail: "nobody is signed in"}
	case needs == signedIn && v.site.Identity.NeedsSecondFactor(v.user):
		return casework.Forbidden("second_factor_needed", "set up the second factor first")
	}
	return nil
}

// sessionID names the row of this session; empty for none.
func (v *visit) sessionID() string {
	return v.site.Sessions.GetString(v.Request().Context(), sessionID)
}

// redirect sends the browser on with a GET, to one of our own paths.
func (v *visit) redirect(path string) error {
	if err := v.keepSession(); err != nil {
		return err
	}
	return v.Redirect(http.StatusSeeOther, path)
}

// render writes a page. It is made in memory first: a template that fails
// leaves no half page behind.
func (v *visit) render(status int, name string, data any) error {
	page, err := v.site.pages.execute(v.say.tag, name, data)
	if err != nil {
		return err
	}
	if err := v.keepSession(); err != nil {
		return err
	}
	return v.HTMLBlob(status, page)
}

// ownPath keeps a path that somebody asked to be sent on to, when it is one of
// ours, and gives the front page for anything else. It never leads to another
// site.
func ownPath(next string) string {
	u, err := url.Parse(next)
	switch {
	case err != nil, u.Scheme != "", u.Host != "", u.User != nil, u.Opaque != "":
		return "/"
	case !strings.HasPrefix(next, "/"), strings.HasPrefix(next, "//"), strings.ContainsAny(next, "\\\r\n\t"):
		return "/"
	}
	return next
}

// here is the address of this page, for coming back to it after the language
// has changed. What was posted cannot be come back to; its case can.
func (v *visit) here() string {
	r := v.Request()
	if r.Method == http.MethodGet {
		return ownPath(r.URL.RequestURI())
	}
	if number := v.Param("number"); number != "" {
		return casePath(number)
	}
	if v.Path() == bulkPath {
		return ownPath(v.form.Get("next"))
	}
	return "/"
}

// casePath is the address of a case.
func casePath(number string) string { return "/cases/" + url.PathEscape(number) }
