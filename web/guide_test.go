package web_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/commands"
	"guiling/internal/store"
	"guiling/web"
)

func TestAHintIsToldUntilItIsPutAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caseAt(t, b, 1, "rectification")
	b.office.putAway = nil
	for _, place := range []struct {
		who  store.User
		path string
		hint store.Hint
	}{{chen, "/tasks?view=all", store.HintInbox}, {chen, "/cases/" + number(1), store.HintCase}, {gu, "/events", store.HintEvents}} {
		b.signIn(place.who)
		told := b.get(place.path).all("form", "action", "/hints")
		require.Len(t, told, 1, place.path)
		p := b.do(http.MethodPost, "/hints", formOf(told[0]))
		require.Equal(t, http.StatusSeeOther, p.StatusCode)
		require.Equal(t, place.path, p.Header.Get("Location"), "back to the page")
		require.Contains(t, b.office.putAway, place.hint)
		require.Empty(t, b.get(place.path).all("form", "action", "/hints"), place.path)
	}
	require.Empty(t, b.get("/cases").all("form", "action", "/hints"), "not every page has one")
	require.Empty(t, b.get("/cases/none").all("form", "action", "/hints"), "a page that is not there tells nothing")
	require.Equal(t, http.StatusUnprocessableEntity, b.do(http.MethodPost, "/hints", url.Values{"hint": {"xx"}}).StatusCode)
}

func TestTrainingIsThereInTrainingOnly(t *testing.T) {
	t.Parallel()
	path := "/cases/" + number(1)
	plain := setup(t)
	caseAt(t, plain, 1, "rectification")
	plain.signIn(chen)
	p := plain.get(path)
	require.Empty(t, p.all("p", "class", "g-training"))
	require.Empty(t, p.all("section", "id", "training"))
	require.Equal(t, http.StatusNotFound, plain.do(http.MethodPost, path+"/training", url.Values{"by": {"1"}}).StatusCode)
	require.Empty(t, plain.office.jumps)

	b := setupAs(t, web.Options{Identity: people{}, Training: true})
	caseAt(t, b, 1, "rectification")
	require.Len(t, b.get("/sign-in").all("p", "class", "g-training"), 1, "the banner is on every page")
	b.signIn(chen)
	box := page{root: b.get(path).one(t, "section", "id", "training")}
	var offered []string
	for _, button := range box.all("button", "name", "by") {
		value, _ := attribute(button, "value")
		offered = append(offered, value)
	}
	require.Equal(t, []string{"1", "3", "5", "15", "next"}, offered)
	for _, by := range []string{"15", "next"} {
		p := b.do(http.MethodPost, path+"/training", url.Values{"by": {by}})
		require.Equal(t, path, p.Header.Get("Location"))
	}
	require.Equal(t, []commands.Jump{{Days: 15}, {}}, b.office.jumps)
	b.do(http.MethodPost, path+"/training", url.Values{"by": {"yesterday"}})
	require.Equal(t, commands.Jump{Days: -1}, b.office.jumps[2], "the command refuses it")
	caseAt(t, b, 2, "archived")
	require.Empty(t, b.get("/cases/"+number(2)).all("button", "name", "by"), "an ended case has no time left")
}

func TestHelp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Len(t, b.get("/help").all("nav", "class", "g-help-nav"), 1, "without signing in")
	b.signIn(lin)
	link := b.get("/overdue").one(t, "a", "class", "g-help-link")
	href, _ := attribute(link, "href")
	require.Equal(t, "/help/supervisor", href, "the page about one's own work")
	require.Equal(t, http.StatusNotFound, b.get("/help/nothing").StatusCode)

	files, err := filepath.Glob("help/zh-CN/*.md")
	require.NoError(t, err)
	require.Len(t, files, 8)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".md")
		zh := b.do(http.MethodGet, "/help/"+name, nil, "Accept-Language", "zh")
		en := b.do(http.MethodGet, "/help/"+name, nil, "Accept-Language", "en")
		for _, p := range []page{zh, en} {
			require.Equal(t, http.StatusOK, p.StatusCode, name)
			article := page{root: p.one(t, "article")}
			require.Len(t, article.all("h1"), 1, name)
			for _, a := range article.all("a") {
				href, _ := attribute(a, "href")
				require.Equal(t, http.StatusOK, b.get(href).StatusCode, "%s leads to %s", name, href)
			}
			require.NotContains(t, p.text, "**", "%s: markdown that was not understood", name)
		}
		for _, tag := range []string{"h2", "li", "tr", "a", "code"} {
			require.Len(t, page{root: en.one(t, "article")}.all(tag), len(page{root: zh.one(t, "article")}.all(tag)), "%s: as many %s in both languages", name, tag)
		}
		require.Equal(t, articlesIn(t, "zh-CN", name), articlesIn(t, "en", name), "%s cites the same articles", name)
	}
}

// articlesIn lists the articles that a page of help cites, each of which must be
// one of the fifteen.
func articlesIn(t *testing.T, tag, name string) []string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("help", tag, name+".md"))
	require.NoError(t, err)
	known := []string{"第一条", "第二条", "第三条", "第四条", "第五条", "第六条", "第七条", "第八条", "第九条", "第十条", "第十一条", "第十二条", "第十三条", "第十四条", "第十五条"}
	cited := regexp.MustCompile(`第[一二三四五六七八九十]+条`).FindAllString(string(source), -1)
	for _, article := range cited {
		require.Contains(t, known, article, name)
	}
	slices.Sort(cited)
	return slices.Compact(cited)
}

func TestTheStyleGuideShowsEveryComponent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, http.StatusNotFound, setupWith(t, people{noDemo: true}).get("/styleguide").StatusCode, "in a demo only")
	template, err := os.ReadFile("templates/styleguide.html")
	require.NoError(t, err)
	defined := map[string]string{} // the text of each component
	files, err := filepath.Glob("templates/component_*.html")
	require.NoError(t, err)
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for part := range strings.SplitSeq(string(source), `{{define "`) {
			if name, text, found := strings.Cut(part, `"}}`); found && !strings.Contains(name, "\n") {
				defined[name] = text
			}
		}
	}
	require.Greater(t, len(defined), 15)
	shown := map[string]bool{}
	var show func(text string)
	show = func(text string) {
		for _, match := range regexp.MustCompile(`{{template "([a-z_]+)"`).FindAllStringSubmatch(text, -1) {
			if name := match[1]; !shown[name] {
				shown[name] = true
				show(defined[name])
			}
		}
	}
	show(string(template))
	for name := range defined {
		require.True(t, shown[name], "the style guide does not show %s", name)
	}

	css, err := os.ReadFile("static/guiling.css")
	require.NoError(t, err)
	for _, language := range []string{"zh", "en"} {
		p := b.do(http.MethodGet, "/styleguide", nil, "Accept-Language", language)
		require.Equal(t, http.StatusOK, p.StatusCode, p.text)
		for _, class := range []string{"far", "near", "soon", "over", "paused", "none"} {
			require.NotEmpty(t, p.all("span", "class", "g-due-"+class), class)
		}
		text := words(p.one(t, "main"))
		for _, match := range regexp.MustCompile(`--(g-[a-z0-9-]+):\s*#`).FindAllStringSubmatch(string(css), -1) {
			require.Contains(t, text, "--"+match[1])
			swatch := "g-swatch-" + strings.TrimPrefix(match[1], "g-")
			require.Len(t, p.all("span", "class", swatch), 1, swatch)
			require.Contains(t, string(css), "."+swatch+" {", "the swatch has its colour")
		}
		for _, match := range regexp.MustCompile(`\.(g-[a-z0-9-]+)`).FindAllStringSubmatch(string(css), -1) {
			require.Contains(t, text, "."+match[1], "every class is listed")
		}
	}
}
