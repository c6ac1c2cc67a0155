package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"
)

//go:embed static
var staticFiles embed.FS

// assetPrefix is where static files are served. The hash of the content stands
// in the address, so that a browser may keep a file for ever.
const assetPrefix = "/static/"

type asset struct {
	hash, kind string
	content    []byte
}

// assets are the static files, by their path under static/.
type assets map[string]asset

// assetKinds are the kinds of files that are served. Others, such as licences
// and notes, are there for whoever reads the source.
var assetKinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// The static files that every page asks for.
const (
	assetTabler = "vendor/tabler.min.css"
	assetHTMX   = "vendor/htmx.min.js"
	assetIcons  = "vendor/tabler-icons.svg"
	assetStyle  = "guiling.css"
	assetScript = "guiling.js"
	assetLogo   = "guiling.svg"
)

func loadAssets() (assets, error) {
	all := make(assets)
	err := fs.WalkDir(staticFiles, "static", func(name string, entry fs.DirEntry, err error) error {
		kind, served := assetKinds[path.Ext(name)]
		if err != nil || entry.IsDir() || !served {
			return err
		}
		content, err := fs.ReadFile(staticFiles, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		all[strings.TrimPrefix(name, "static/")] = asset{hash: hex.EncodeToString(sum[:8]), kind: kind, content: content}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("static files: %w", err)
	}
	for _, name := range []string{assetTabler, assetHTMX, assetIcons, assetStyle, assetScript, assetLogo} {
		if _, ok := all[name]; !ok {
			return nil, fmt.Errorf("static files: %s is missing", name)
		}
	}
	return all, nil
}

// url is the address of a static file. A template that asks for one that is not
// there fails, which a test finds.
func (a assets) url(name string) (string, error) {
	file, ok := a[name]
	if !ok {
		return "", fmt.Errorf("no static file %q", name)
	}
	return assetPrefix + file.hash + "/" + name, nil
}

// icon is the address of one icon of the sprite.
func (a assets) icon(name string) (string, error) {
	if !bytes.Contains(a[assetIcons].content, []byte(`id="tabler-`+name+`"`)) {
		return "", fmt.Errorf("no icon %q", name)
	}
	sprite, err := a.url(assetIcons)
	return sprite + "#tabler-" + name, err
}

// serveAsset serves a static file to whoever asks, under the hash of its content
// only.
func (s *site) serveAsset(c echo.Context) error {
	s.setHeaders(c.Response().Header())
	file, ok := s.assets[c.Param("*")]
	if !ok || file.hash != c.Param("hash") {
		return c.String(http.StatusNotFound, "")
	}
	c.Response().Header().Del(echo.HeaderVary)
	c.Response().Header().Set(echo.HeaderCacheControl, "public, max-age=31536000, immutable")
	return c.Blob(http.StatusOK, file.kind, file.content)
}
