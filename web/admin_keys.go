package web

import (
	"net/http"

	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/httpstatus"
	"guiling/internal/store"
)

const adminKeysPath = "/admin/keys"

type adminKeysPage struct {
	adminFrame
	commands.KeyPage

	Left  int // data keys that an older key still wraps
	Error string
}

// KeyStatus says what a key is there for.
func (adminKeysPage) KeyStatus(k store.KeyState) string {
	switch {
	case k.Primary:
		return "primary"
	case k.DestroyedAt != nil:
		return "destroyed"
	case k.InFile:
		return "reads"
	default:
		return "missing"
	}
}

// showAdminKeys answers GET /admin/keys: the keys of personal data, without the
// keys.
func showAdminKeys(v *visit) error { return v.renderKeys(http.StatusOK, nil) }

func (v *visit) renderKeys(status int, refused *casework.Error) error {
	keys, err := v.site.Commands.ListKeys(v.Request().Context(), v.user.Actor)
	if err != nil {
		return err
	}
	p := adminKeysPage{adminFrame: v.adminFrame(v.say.T("keys.title"), adminKeysPath), KeyPage: keys}
	for _, k := range keys.Keys {
		if !k.Primary {
			p.Left += k.Wraps
		}
	}
	if refused != nil {
		p.Error = v.say.T("error." + refused.Reason)
	}
	return v.render(status, "admin_keys", p)
}

// rotateKeys answers POST /admin/keys/rotate.
func rotateKeys(v *visit) error {
	err := v.site.Commands.RotateKeys(v.Request().Context(), v.user.Actor)
	if domain, ok := casework.AsError(err); ok && domain.Code == casework.CodeConflict {
		return v.renderKeys(httpstatus.Of(domain), domain)
	}
	if err != nil {
		return err
	}
	return v.redirect(adminKeysPath)
}
