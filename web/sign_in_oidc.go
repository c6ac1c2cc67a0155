package web

import (
	"encoding/json"

	"guiling/internal/casework"
	"guiling/internal/identity"
	"guiling/internal/store"
)

// OIDCCallback is where an OpenID provider sends people back to.
const OIDCCallback = "/sign-in/oidc/callback"

// sessionTrip keeps what ties the way back from a provider to the way there.
const sessionTrip = "oidc_trip"

type trip struct {
	identity.OIDCTrip

	Next string `json:"next"`
}

// signInOIDC answers GET /sign-in/oidc: sends somebody to the provider.
func signInOIDC(v *visit) error {
	if v.site.OIDC == nil {
		return errNoPage()
	}
	if err := v.mayTry(""); err != nil {
		return err
	}
	address, there, err := v.site.OIDC.Begin(v.Request().Context())
	if err != nil {
		return err
	}
	data, err := json.Marshal(trip{OIDCTrip: there, Next: ownPath(v.QueryParam("next"))})
	if err != nil {
		return err
	}
	v.site.Sessions.Put(v.Request().Context(), sessionTrip, string(data))
	return v.redirect(address)
}

// finishOIDC answers GET /sign-in/oidc/callback. Each trip is made once.
func finishOIDC(v *visit) error {
	if v.site.OIDC == nil {
		return errNoPage()
	}
	ctx := v.Request().Context()
	var back trip
	_ = json.Unmarshal([]byte(v.site.Sessions.PopString(ctx, sessionTrip)), &back) // no trip has no state, and is refused
	user, err := func() (store.User, error) {
		if err := v.mayTry(""); err != nil {
			return store.User{}, err
		}
		who, err := v.site.OIDC.Finish(ctx, back.OIDCTrip, v.QueryParam("state"), v.QueryParam("code"))
		if err != nil {
			return store.User{}, err
		}
		return v.site.Identity.SignInOutside(ctx, who, v.RealIP())
	}()
	v.form = map[string][]string{"next": {ownPath(back.Next)}}
	if domain, ok := casework.AsError(err); ok {
		v.site.Log.WarnContext(ctx, "sign-in elsewhere refused", "reason", domain.Reason, "detail", domain.Detail, "remote", v.RealIP())
	}
	if err == nil && user.SecondFactor {
		return v.halfSignedIn(user)
	}
	return v.finishSignIn(user, store.WayOIDC, err)
}
