package web

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"

	"guiling/internal/strictyaml"
)

//go:embed i18n/*/*.yaml
var catalogueFiles embed.FS

// The languages of the pages. Chinese is the first and the default.
const (
	chinese = "zh-CN"
	english = "en"
)

func languages() []string { return []string{chinese, english} }

// catalogues are the words of all pages in all languages.
type catalogues map[string]localizer

// localizer says things in one language.
type localizer struct {
	tag     string
	printer *i18n.Localizer
}

// loadCatalogues reads the embedded catalogues. That each has every key, and no
// key that nobody uses, is asked by a test.
func loadCatalogues() (catalogues, error) {
	bundle := i18n.NewBundle(language.SimplifiedChinese)
	bundle.RegisterUnmarshalFunc("yaml", func(data []byte, target any) error { return strictyaml.Decode(data, target) })
	all := make(catalogues)
	for _, tag := range languages() {
		if err := loadCatalogue(bundle, tag); err != nil {
			return nil, fmt.Errorf("catalogue %s: %w", tag, err)
		}
	}
	for _, tag := range languages() {
		all[tag] = localizer{tag: tag, printer: i18n.NewLocalizer(bundle, tag)}
	}
	return all, nil
}

// loadCatalogue reads the files of one language: pages.yaml, and one for each
// larger part of the product. A key stands in one of them.
func loadCatalogue(bundle *i18n.Bundle, tag string) error {
	files, err := fs.Glob(catalogueFiles, path.Join("i18n", tag, "*.yaml"))
	if err != nil {
		return err
	}
	in := map[string]string{}
	for _, file := range files {
		data, err := catalogueFiles.ReadFile(file)
		if err != nil {
			return err
		}
		// go-i18n takes the language from the file's name.
		loaded, err := bundle.ParseMessageFileBytes(data, tag+".yaml")
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, message := range loaded.Messages {
			if other, twice := in[message.ID]; twice {
				return fmt.Errorf("%s stands in %s and in %s", message.ID, other, file)
			}
			in[message.ID] = file
		}
	}
	return nil
}

// choose takes the language of the cookie, else the first of Accept-Language
// that there is, else Chinese.
func (c catalogues) choose(r *http.Request, cookie string) localizer {
	if chosen, err := r.Cookie(cookie); err == nil {
		if say, ok := c[chosen.Value]; ok {
			return say
		}
	}
	// ParseAcceptLanguage sorts by preference. A header that it cannot read says
	// nothing.
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return c[chinese]
	}
	for _, tag := range wanted {
		base, _ := tag.Base()
		switch base.String() {
		case "zh":
			return c[chinese]
		case "en":
			return c[english]
		}
	}
	return c[chinese]
}

// T says the message of a key. Parameters come in pairs of name and value; one
// that is named Count chooses singular or plural, and has commas between its
// thousands. A key that is missing is shown
// as it is, so that a page is still a page.
func (l localizer) T(key string, params ...any) string {
	config := &i18n.LocalizeConfig{MessageID: key}
	if len(params) > 1 {
		data := make(map[string]any, len(params)/2)
		for i := 0; i+1 < len(params); i += 2 {
			name, _ := params[i].(string)
			data[name] = params[i+1]
		}
		config.TemplateData = data
		if count, counted := data["Count"]; counted {
			config.PluralCount = count
			if number, ok := count.(int); ok {
				data["Count"] = l.number(number)
			}
		}
	}
	text, err := l.printer.Localize(config)
	if err != nil && config.PluralCount != nil {
		// The message has one form for all numbers.
		config.PluralCount = nil
		text, err = l.printer.Localize(config)
	}
	if err != nil {
		return key
	}
	return text
}

// has reports whether there is a message of that key.
func (l localizer) has(key string) bool {
	_, err := l.printer.Localize(&i18n.LocalizeConfig{MessageID: key})
	return err == nil
}

// chooseLanguage keeps the language that somebody asked for, and comes back.
func chooseLanguage(v *visit) error {
	tag := v.form.Get("language")
	if _, ok := v.site.tongue[tag]; !ok {
		tag = chinese
	}
	v.SetCookie(&http.Cookie{ //nolint:gosec // G124: Secure wherever pages are served by TLS; plain only on loopback
		Name: v.site.cookieName(languageCookie), Value: tag, Path: "/", MaxAge: int((365 * 24 * time.Hour).Seconds()),
		HttpOnly: true, Secure: v.site.Secure, SameSite: http.SameSiteLaxMode,
	})
	return v.redirect(ownPath(v.form.Get("next")))
}
