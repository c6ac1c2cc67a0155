package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"guiling/internal/app"
	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
	"guiling/policies"
)

type policyCmd struct {
	Show     policyShowCmd     `cmd:"" help:"Print the rules in force."`
	Lint     policyLintCmd     `cmd:"" help:"Say whether a file of rules would load, and which line is at fault."`
	Matrix   policyMatrixCmd   `cmd:"" help:"Print who may do what: role, position, level, action."`
	Explain  policyExplainCmd  `cmd:"" help:"Say why somebody may do something to a case, or may not, rule by rule."`
	Simulate policySimulateCmd `cmd:"" help:"Say which answers a file of rules would change."`
	Publish  policyPublishCmd  `cmd:"" help:"Put a file of rules in force, on every process."`
	Reset    policyResetCmd    `cmd:"" help:"Put the rules that the program ships with in force."`
}

// underPolicy runs do with the rules in force, whether they load here or not.
func (r run) underPolicy(do func(*store.Store, store.Policy) error) error {
	return r.withStore(func(_ app.Settings, st *store.Store) error {
		published, err := st.PolicyInForce(r.ctx)
		if err != nil {
			return err
		}
		if published.Version == 0 {
			published.Body = policies.Shipped()
		}
		return do(st, published)
	})
}

type policyShowCmd struct{}

func (policyShowCmd) Run(r run) error {
	return r.underPolicy(func(_ *store.Store, p store.Policy) error {
		origin := "shipped with this program"
		if p.Version > 0 {
			origin = fmt.Sprintf("version %d, published %s: %s", p.Version, p.PublishedAt.Format("2006-01-02 15:04 -07:00"), p.Note)
		}
		_, err := fmt.Fprintf(os.Stdout, "# %s\n%s", origin, p.Body)
		return err
	})
}

type policyLintCmd struct {
	File string `arg:"" type:"existingfile" help:"The file of rules."`
}

func (c policyLintCmd) Run() error {
	e, err := readPolicy(c.File)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(os.Stdout, "%d rules load\n", len(e.Rules()))
	return err
}

func readPolicy(path string) (*policies.Enforcer, error) {
	text, err := os.ReadFile(path) //nolint:gosec // G304: the operator names the file
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	return policies.Parse(string(text))
}

type policyMatrixCmd struct {
	File         string `type:"existingfile" help:"Rules of a file in the place of those in force; then no database is needed."`
	Role         string `help:"Only this role."`
	Circumstance string `default:"plain" help:"plain, second, rated, proposed, acted, escalated, taken_over, ended, oneself or of_admin."`
	All          bool   `help:"Refusals as well, with the rule that refuses."`
}

func (m policyMatrixCmd) Run(r run) error {
	circumstance := policies.Circumstance(m.Circumstance)
	if !slices.Contains(policies.Circumstances(), circumstance) {
		return casework.Invalid("circumstance", "unknown_value", "there is no such circumstance")
	}
	if m.Role != "" && !casework.Role(m.Role).Valid() {
		return casework.Invalid("role", "unknown_value", "there is no such role")
	}
	if m.File != "" {
		e, err := readPolicy(m.File)
		if err != nil {
			return err
		}
		return m.print(e, circumstance)
	}
	return r.underPolicy(func(_ *store.Store, p store.Policy) error {
		e, err := policies.Parse(p.Body)
		if err != nil {
			return err
		}
		return m.print(e, circumstance)
	})
}

func (m policyMatrixCmd) print(e *policies.Enforcer, circumstance policies.Circumstance) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	var err error
	line := func(columns ...any) {
		if err == nil {
			_, err = fmt.Fprintln(w, strings.Join(strings.Fields(fmt.Sprintln(columns...)), "\t"))
		}
	}
	line("role", "position", "case", "actor", "action", "answer", "rule", "article")
	for _, c := range e.Matrix(circumstance) {
		if (m.Role != "" && string(c.Role) != m.Role) || (!m.All && !c.Decision.Allowed) {
			continue
		}
		answer, article := "no", c.Decision.Article
		if c.Decision.Allowed {
			answer = "yes"
		}
		if article == "" {
			article = "-"
		}
		line(c.Role, c.Position, c.CaseLevel, c.ActorLevel, c.Action, answer, c.Decision.Rule, article)
	}
	return errors.Join(err, w.Flush())
}

type policyExplainCmd struct {
	User   string `required:"" help:"The user name."`
	Action string `required:"" help:"What they would do, for example decide-extension."`
	Case   string `required:"" help:"The number of the case."`
}

func (c policyExplainCmd) Run(r run) error {
	return r.underPolicy(func(st *store.Store, p store.Policy) error {
		e, err := policies.Parse(p.Body)
		if err != nil {
			return err
		}
		x, err := commands.ExplainFor(r.ctx, st, e, c.User, casework.Action(c.Action), c.Case)
		if err != nil {
			return err
		}
		verdict := "no"
		if x.Decision.Allowed {
			verdict = "yes"
		}
		if _, err := fmt.Fprintf(os.Stdout, "%s: %s (%s) by %s %s\n", c.Action, verdict, x.Decision.Reason, x.Decision.Rule, x.Decision.Article); err != nil {
			return err
		}
		for _, check := range x.Checks {
			stands := "applies"
			if !check.Applies {
				stands = "does not hold: " + strings.Join(check.Misses, ", ")
			}
			if _, err := fmt.Fprintf(os.Stdout, "  %-6s %s: %s\n", check.Rule.Effect, check.Rule.Name, stands); err != nil {
				return err
			}
		}
		return nil
	})
}

type policySimulateCmd struct {
	File string `arg:"" type:"existingfile" help:"The file of rules."`
}

func (c policySimulateCmd) Run(r run) error {
	other, err := readPolicy(c.File)
	if err != nil {
		return err
	}
	return r.underPolicy(func(_ *store.Store, p store.Policy) error {
		e, err := policies.Parse(p.Body)
		if err != nil {
			return err
		}
		differences := e.Compare(other)
		for _, d := range differences {
			was, is := "no", "yes"
			if d.Decision.Allowed {
				was, is = is, was
			}
			if _, err := fmt.Fprintf(os.Stdout, "%s %s of a %s case (%s): %s %s -> %s by %s\n",
				d.Role, d.Position, d.CaseLevel, d.Circumstance, d.Action, was, is, d.Now.Rule); err != nil {
				return err
			}
		}
		_, err = fmt.Fprintf(os.Stdout, "%d answers change\n", len(differences))
		return err
	})
}

type policyPublishCmd struct {
	File string `arg:"" type:"existingfile" help:"The file of rules."`
	Note string `required:"" help:"Why."`
}

func (c policyPublishCmd) Run(r run) error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	return r.publish(string(text), c.Note)
}

type policyResetCmd struct {
	Note string `default:"the rules that the program ships with" help:"Why."`
}

func (c policyResetCmd) Run(r run) error { return r.publish(policies.Shipped(), c.Note) }

func (r run) publish(text, note string) error {
	if _, err := policies.Parse(text); err != nil {
		return err
	}
	return r.underPolicy(func(st *store.Store, p store.Policy) error {
		version, err := commands.NewPolicy(r.ctx, st, commands.PolicyDraft{Body: text, Note: note, After: p.Version}, casework.By{})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(os.Stdout, "version %d is in force\n", version)
		return err
	})
}
