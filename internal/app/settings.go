package app

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/caarlos0/env/v11"

	"guiling/internal/attachments"
	"guiling/internal/sealing"
)

// Settings come from the environment, as GUILING_…. Each may also be given as
// GUILING_…_FILE, the path of a file that holds the value, so that secrets need
// not stand in the environment.
type Settings struct {
	// DatabaseURL is where the application works. It must state its sslmode.
	DatabaseURL string `env:"DATABASE_URL"`
	// MigrateDatabaseURL signs in as the owner of the database, for migrations
	// only. Empty: DatabaseURL's own role owns it.
	MigrateDatabaseURL string `env:"MIGRATE_DATABASE_URL"`
	TemporalAddress    string `env:"TEMPORAL_ADDRESS" envDefault:"127.0.0.1:7233"`
	TemporalNamespace  string `env:"TEMPORAL_NAMESPACE" envDefault:"guiling"`
	// TemporalUIOrigin is where the engine's own pages are, as scheme://host:port. An
	// auditor at the top who is signed in here reads there what cases hold.
	TemporalUIOrigin string `env:"TEMPORAL_UI_ORIGIN"`
	// HTTPAddr is where pages and API are served.
	HTTPAddr string `env:"HTTP_ADDR" envDefault:"127.0.0.1:8080"`
	// WorkerHTTPAddr is where a worker of its own answers /healthz, /readyz and
	// /metrics. Empty: nowhere.
	WorkerHTTPAddr string `env:"WORKER_HTTP_ADDR"`
	// DataKeyFile holds the key of the personal data (第六条). It is made at the
	// first start.
	DataKeyFile string `env:"DATA_KEY_FILE" envDefault:"var/data-key.json"`
	// RulePack is the pack with which new cases begin (policies/rules).
	RulePack string `env:"RULE_PACK" envDefault:"henan-2019"`
	// Demo offers invented people at sign-in. Never for real data.
	Demo bool `env:"DEMO"`
	// RequireSecondFactor says who has to set a second factor up: none, administrators
	// (the three of them) or all. The invented people of the demo never have to.
	RequireSecondFactor string `env:"REQUIRE_SECOND_FACTOR" envDefault:"administrators"`
	// PublicURL is how browsers reach the pages, as scheme://host:port. An OpenID
	// provider sends people back there.
	PublicURL string `env:"PUBLIC_URL"`
	// OIDC… name an OpenID provider where people may sign in; empty: none.
	OIDCIssuer       string `env:"OIDC_ISSUER"`
	OIDCClientID     string `env:"OIDC_CLIENT_ID"`
	OIDCClientSecret string `env:"OIDC_CLIENT_SECRET"`
	OIDCName         string `env:"OIDC_NAME"`
	// LDAP… name a directory that checks the passwords of who has none here.
	LDAPURL          string `env:"LDAP_URL"`
	LDAPBaseDN       string `env:"LDAP_BASE_DN"`
	LDAPUserFilter   string `env:"LDAP_USER_FILTER"`
	LDAPBindDN       string `env:"LDAP_BIND_DN"`
	LDAPBindPassword string `env:"LDAP_BIND_PASSWORD"`
	LDAPCAFile       string `env:"LDAP_CA_PATH"`
	// SMTP… is the server by which mails to staff leave; empty: none do.
	SMTPAddr     string `env:"SMTP_ADDR"`
	SMTPFrom     string `env:"SMTP_FROM"`
	SMTPUsername string `env:"SMTP_USERNAME"`
	SMTPPassword string `env:"SMTP_PASSWORD"`
	// SMTPTLS is starttls, tls, or none.
	SMTPTLS string `env:"SMTP_TLS" envDefault:"starttls"`
	// SMTPDomains are those of the addresses that mails may go to; empty: any.
	SMTPDomains []string `env:"SMTP_DOMAINS"`
	// Webhook… are channels of the organisation: JSON of ours, and the robots of
	// WeCom and DingTalk. The URL of a robot is a secret.
	WebhookURL            string `env:"WEBHOOK_URL"`
	WebhookSecret         string `env:"WEBHOOK_SECRET"`
	WebhookWeComURL       string `env:"WEBHOOK_WECOM_URL"`
	WebhookDingTalkURL    string `env:"WEBHOOK_DINGTALK_URL"`
	WebhookDingTalkSecret string `env:"WEBHOOK_DINGTALK_SECRET"`
	// WebhookAllowPrivate lets a webhook lead into the own network.
	WebhookAllowPrivate bool `env:"WEBHOOK_ALLOW_PRIVATE"`
	// SecureCookies is for a server behind TLS: cookies go over TLS only.
	SecureCookies bool `env:"SECURE_COOKIES"`
	// MetricsPublic serves /metrics and /openapi.json to other machines as well.
	MetricsPublic bool `env:"METRICS_PUBLIC"`
	// Cipher makes new keys of personal data: aes, or sm4 (国密). What the other has
	// sealed stays readable.
	Cipher string `env:"CIPHER" envDefault:"aes"`
	// Retention is for how many months after the end of a case the reviewer's data
	// are kept; then their keys are destroyed. At least 6.
	Retention int `env:"RETENTION" envDefault:"36"`
	// ScannerAddr is where a virus scanner looks at what is attached to cases: host:port
	// or unix: and a path of a clamd. Empty: nobody looks.
	ScannerAddr string `env:"SCANNER_ADDR"`
	// RevealsPerHour and RevealsPerDay bound how often one person may look at
	// reviewers in clear.
	RevealsPerHour int `env:"REVEALS_PER_HOUR" envDefault:"30"`
	RevealsPerDay  int `env:"REVEALS_PER_DAY" envDefault:"100"`
	// RevealAlarmCases and RevealAlarmOddCases are how many different cases in an
	// hour one person looks at before the auditors are told, at any time and outside
	// office hours.
	RevealAlarmCases    int `env:"REVEAL_ALARM_CASES" envDefault:"15"`
	RevealAlarmOddCases int `env:"REVEAL_ALARM_ODD_CASES" envDefault:"5"`
	// TimeSkipping says that the engine can move single cases ahead in time. Only the
	// standalone form knows, for it starts the engine; the environment cannot say so.
	TimeSkipping bool `env:"-"`
	// Version of the program, kept with each event and seen by operators.
	Version string `env:"-"`
}

const settingsPrefix = "GUILING_"

// RunningEnvFile is where a standalone process writes the settings of what it
// has started, so that commands in a second shell find it.
const RunningEnvFile = "var/guiling.env"

// LoadSettings reads the environment. What it lacks is looked for in the file
// that a running standalone process leaves in ./var.
func LoadSettings() (Settings, error) {
	environment := env.ToMap(os.Environ())
	if environment[settingsPrefix+"DATABASE_URL"] == "" && environment[settingsPrefix+"DATABASE_URL_FILE"] == "" {
		if err := addEnvFile(environment, RunningEnvFile); err != nil {
			return Settings{}, err
		}
	}
	return parseSettings(environment)
}

func parseSettings(environment map[string]string) (Settings, error) {
	for name, path := range environment {
		setting, ok := strings.CutSuffix(name, "_FILE")
		// DATA_KEY_FILE is itself the name of a file.
		if !ok || !strings.HasPrefix(name, settingsPrefix) || setting == settingsPrefix+"DATA_KEY" || path == "" {
			continue
		}
		if environment[setting] != "" {
			return Settings{}, fmt.Errorf("both %s and %s are set", setting, name)
		}
		content, err := os.ReadFile(path) //nolint:gosec // G304: the path is a setting of the operator
		if err != nil {
			return Settings{}, fmt.Errorf("%s: %w", name, err)
		}
		environment[setting] = strings.TrimRight(string(content), "\r\n")
	}
	settings, err := env.ParseAsWithOptions[Settings](env.Options{Prefix: settingsPrefix, Environment: environment})
	if err != nil {
		return Settings{}, fmt.Errorf("settings: %w", err)
	}
	return settings, settings.check()
}

// minRetention is the shortest retention, in months: a case may be spot-checked and
// reopened for half a year.
const minRetention = 6

// check refuses what would destroy too early, and limits that are none.
func (s Settings) check() error {
	if s.Retention < minRetention {
		return fmt.Errorf("settings: GUILING_RETENTION is a number of months, %d at least", minRetention)
	}
	if min(s.RevealsPerHour, s.RevealsPerDay, s.RevealAlarmCases, s.RevealAlarmOddCases) < 1 {
		return errors.New("settings: GUILING_REVEALS_… and GUILING_REVEAL_ALARM_… are at least 1")
	}
	if s.tellsOutside() && s.PublicURL == "" {
		return errors.New("settings: GUILING_SMTP_ADDR and GUILING_WEBHOOK_… need GUILING_PUBLIC_URL, for their links")
	}
	if s.ScannerAddr != "" {
		if _, err := attachments.NewClamd(s.ScannerAddr); err != nil {
			return fmt.Errorf("settings: GUILING_SCANNER_ADDR: %w", err)
		}
	}
	_, err := sealing.ProviderOf(s.Cipher)
	return err
}

// tellsOutside reports whether staff are told anything outside of the product.
func (s Settings) tellsOutside() bool {
	return s.SMTPAddr != "" || s.WebhookURL != "" || s.WebhookWeComURL != "" || s.WebhookDingTalkURL != ""
}

// addEnvFile adds the NAME=value lines of a file that are not in the environment.
// A file that is not there adds nothing.
func addEnvFile(environment map[string]string, path string) error {
	file, err := os.Open(path) //nolint:gosec // G304: a constant path
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("settings of the running system: %w", err)
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), "=")
		if ok && environment[name] == "" && environment[name+"_FILE"] == "" {
			environment[name] = value
		}
	}
	return lines.Err()
}

// WriteRunningEnvFile leaves the settings for commands in other shells, readable
// by the owner only: it holds the password of the database.
func WriteRunningEnvFile(path string, s Settings) error {
	demo := "0"
	if s.Demo {
		demo = "1"
	}
	lines := []string{
		settingsPrefix + "DATABASE_URL=" + s.DatabaseURL,
		settingsPrefix + "MIGRATE_DATABASE_URL=" + s.MigrateDatabaseURL,
		settingsPrefix + "TEMPORAL_ADDRESS=" + s.TemporalAddress,
		settingsPrefix + "TEMPORAL_NAMESPACE=" + s.TemporalNamespace,
		settingsPrefix + "HTTP_ADDR=" + s.HTTPAddr,
		settingsPrefix + "DATA_KEY_FILE=" + s.DataKeyFile,
		settingsPrefix + "DEMO=" + demo,
		settingsPrefix + "CIPHER=" + s.Cipher,
		settingsPrefix + "RETENTION=" + strconv.Itoa(max(s.Retention, minRetention)),
		settingsPrefix + "RULE_PACK=" + s.RulePack,
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func (s Settings) ownerURL() string {
	if s.MigrateDatabaseURL != "" {
		return s.MigrateDatabaseURL
	}
	return s.DatabaseURL
}

// needDatabase refuses settings without a database.
func (s Settings) needDatabase() error {
	if s.DatabaseURL == "" {
		return errors.New("GUILING_DATABASE_URL is not set, and no running system was found in " + RunningEnvFile)
	}
	return nil
}
