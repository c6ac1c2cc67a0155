package app_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/app"
)

const (
	databaseURL = "postgres://guiling_login@127.0.0.1:5432/guiling?sslmode=disable"
	ownerURL    = "postgres://guiling_owner@127.0.0.1:5432/guiling?sslmode=disable"
)

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "setting")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestSettingsThatNobodyMade(t *testing.T) {
	t.Parallel()
	s, err := app.ParseSettings(map[string]string{"PATH": "/bin", "DEMO": "1"})
	require.NoError(t, err)
	require.Equal(t, app.Settings{
		TemporalAddress: "127.0.0.1:7233", TemporalNamespace: "guiling", HTTPAddr: "127.0.0.1:8080", DataKeyFile: "var/data-key.json", RulePack: "henan-2019",
		RequireSecondFactor: "administrators",
		SMTPTLS:             "starttls",
		Cipher:              "aes", Retention: 36, RevealsPerHour: 30, RevealsPerDay: 100, RevealAlarmCases: 15, RevealAlarmOddCases: 5,
	}, s, "loopback only, no demo, no names without our prefix")
	require.ErrorContains(t, s.NeedDatabase(), "GUILING_DATABASE_URL")
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s, err := app.ParseSettings(map[string]string{
		"GUILING_DATABASE_URL": databaseURL, "GUILING_MIGRATE_DATABASE_URL": ownerURL, "GUILING_TEMPORAL_ADDRESS": "temporal:7233",
		"GUILING_TEMPORAL_NAMESPACE": "n", "GUILING_HTTP_ADDR": ":80", "GUILING_WORKER_HTTP_ADDR": ":81", "GUILING_DATA_KEY_FILE": "/keys/k",
		"GUILING_TEMPORAL_UI_ORIGIN": "https://ui.example", "GUILING_REQUIRE_SECOND_FACTOR": "all",
		"GUILING_RULE_PACK": "working-days-5", "GUILING_DEMO": "1", "GUILING_SECURE_COOKIES": "true", "GUILING_METRICS_PUBLIC": "true",
		"GUILING_CIPHER": "sm4", "GUILING_RETENTION": "6", "GUILING_REVEALS_PER_HOUR": "1", "GUILING_REVEALS_PER_DAY": "2",
		"GUILING_REVEAL_ALARM_CASES": "3", "GUILING_REVEAL_ALARM_ODD_CASES": "4", "GUILING_SCANNER_ADDR": "unix:/run/clamd.ctl",
	})
	require.NoError(t, err)
	require.Equal(t, app.Settings{
		DatabaseURL: databaseURL, MigrateDatabaseURL: ownerURL, TemporalAddress: "temporal:7233", TemporalNamespace: "n", HTTPAddr: ":80",
		WorkerHTTPAddr: ":81", DataKeyFile: "/keys/k", RulePack: "working-days-5", Demo: true, SMTPTLS: "starttls", SecureCookies: true, MetricsPublic: true,
		TemporalUIOrigin: "https://ui.example", RequireSecondFactor: "all",
		Cipher: "sm4", Retention: 6, RevealsPerHour: 1, RevealsPerDay: 2, RevealAlarmCases: 3, RevealAlarmOddCases: 4, ScannerAddr: "unix:/run/clamd.ctl",
	}, s)
	require.NoError(t, s.NeedDatabase())
	require.Equal(t, ownerURL, s.OwnerURL())
	s.MigrateDatabaseURL = ""
	require.Equal(t, databaseURL, s.OwnerURL())
}

func TestSettingsFromFiles(t *testing.T) {
	t.Parallel()
	s, err := app.ParseSettings(map[string]string{
		"GUILING_DATABASE_URL_FILE": write(t, databaseURL+"\n"), "GUILING_HTTP_ADDR_FILE": write(t, ":80\r\n"),
		"GUILING_TEMPORAL_ADDRESS_FILE": "", "OTHER_FILE": "/nowhere", "GUILING_DATA_KEY_FILE": "/nowhere/key",
	})
	require.NoError(t, err)
	require.Equal(t, databaseURL, s.DatabaseURL)
	require.Equal(t, ":80", s.HTTPAddr)
	require.Equal(t, "127.0.0.1:7233", s.TemporalAddress)
	require.Equal(t, "/nowhere/key", s.DataKeyFile, "it is a path itself")

	_, err = app.ParseSettings(map[string]string{"GUILING_DATABASE_URL": databaseURL, "GUILING_DATABASE_URL_FILE": write(t, "x")})
	require.ErrorContains(t, err, "both GUILING_DATABASE_URL and GUILING_DATABASE_URL_FILE are set")
	require.NotContains(t, err.Error(), databaseURL)
	_, err = app.ParseSettings(map[string]string{"GUILING_DATABASE_URL_FILE": "/nowhere/secret"})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "GUILING_DATABASE_URL_FILE")
}

func TestSettingsThatAreMalformed(t *testing.T) {
	t.Parallel()
	for name, field := range map[string]string{
		"GUILING_DEMO": "Demo", "GUILING_SECURE_COOKIES": "SecureCookies", "GUILING_METRICS_PUBLIC": "MetricsPublic",
	} {
		for _, value := range []string{"yes", "ja", "2", " 1"} {
			_, err := app.ParseSettings(map[string]string{name: value})
			require.ErrorContains(t, err, field, "%s=%q", name, value)
			_, err = app.ParseSettings(map[string]string{name + "_FILE": write(t, value)})
			require.ErrorContains(t, err, field)
		}
	}
}

func TestSettingsThatWouldHarm(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"GUILING_RETENTION": "5", "GUILING_CIPHER": "rot13", "GUILING_REVEALS_PER_HOUR": "0", "GUILING_REVEALS_PER_DAY": "-1",
		"GUILING_REVEAL_ALARM_CASES": "0", "GUILING_REVEAL_ALARM_ODD_CASES": "0", "GUILING_SCANNER_ADDR": "clamav",
	} {
		_, err := app.ParseSettings(map[string]string{name: value})
		require.Error(t, err, name)
	}
}

func TestRunningEnvFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "guiling.env")
	require.NoError(t, os.WriteFile(path, []byte("GUILING_HTTP_ADDR=:1\n"), 0o644))
	for _, demo := range []bool{true, false} {
		written := app.Settings{
			RequireSecondFactor: "administrators",
			DatabaseURL:         databaseURL, MigrateDatabaseURL: ownerURL, TemporalAddress: "127.0.0.1:17233", TemporalNamespace: "guiling",
			HTTPAddr: "127.0.0.1:18080", DataKeyFile: "var/a key.json", RulePack: "working-days-5", Demo: demo,
			SMTPTLS: "starttls", Cipher: "sm4", Retention: 12, RevealsPerHour: 30, RevealsPerDay: 100, RevealAlarmCases: 15, RevealAlarmOddCases: 5,
		}
		require.NoError(t, app.WriteRunningEnvFile(path, written))
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode(), "it holds the password of the database")
		require.NoFileExists(t, path+".new")

		environment := map[string]string{}
		require.NoError(t, app.AddEnvFile(environment, path))
		read, err := app.ParseSettings(environment)
		require.NoError(t, err)
		require.Equal(t, written, read)

		environment = map[string]string{"GUILING_HTTP_ADDR": ":9"}
		require.NoError(t, app.AddEnvFile(environment, path))
		read, err = app.ParseSettings(environment)
		require.NoError(t, err)
		require.Equal(t, ":9", read.HTTPAddr, "what the environment says comes first")
	}
	environment := map[string]string{}
	require.NoError(t, app.AddEnvFile(environment, path+".missing"))
	require.Empty(t, environment)
	require.Error(t, app.AddEnvFile(environment, t.TempDir()))
	require.Error(t, app.WriteRunningEnvFile(filepath.Join(path, "x"), app.Settings{}))
}

// TestLoadSettings changes environment and working folder, and so runs alone.
func TestLoadSettings(t *testing.T) {
	for _, name := range []string{"GUILING_DATABASE_URL", "GUILING_DATABASE_URL_FILE", "GUILING_HTTP_ADDR"} {
		t.Setenv(name, "")
	}
	t.Chdir(t.TempDir())
	s, err := app.LoadSettings()
	require.NoError(t, err)
	require.ErrorContains(t, s.NeedDatabase(), app.RunningEnvFile)

	require.NoError(t, os.Mkdir("var", 0o700))
	require.NoError(t, app.WriteRunningEnvFile(app.RunningEnvFile, app.Settings{DatabaseURL: databaseURL, HTTPAddr: ":7"}))
	s, err = app.LoadSettings()
	require.NoError(t, err)
	require.Equal(t, databaseURL, s.DatabaseURL)
	require.Equal(t, ":7", s.HTTPAddr)

	t.Setenv("GUILING_DATABASE_URL", ownerURL)
	s, err = app.LoadSettings()
	require.NoError(t, err)
	require.Equal(t, ownerURL, s.DatabaseURL)
	require.Equal(t, "127.0.0.1:8080", s.HTTPAddr, "who names a database means another system")

	t.Setenv("GUILING_DATABASE_URL", "")
	t.Setenv("GUILING_DATABASE_URL_FILE", write(t, ownerURL))
	s, err = app.LoadSettings()
	require.NoError(t, err)
	require.Equal(t, ownerURL, s.DatabaseURL)
	require.Equal(t, "127.0.0.1:8080", s.HTTPAddr, "in a file as well")
}

// TestTellingStaffNeedsAnAddress: a link that leads nowhere is no link.
func TestTellingStaffNeedsAnAddress(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"SMTP_ADDR", "WEBHOOK_URL", "WEBHOOK_WECOM_URL", "WEBHOOK_DINGTALK_URL"} {
		environment := map[string]string{"GUILING_" + name: "x"}
		_, err := app.ParseSettings(environment)
		require.ErrorContains(t, err, "GUILING_PUBLIC_URL", name)
		environment["GUILING_PUBLIC_URL"] = "https://guiling.example"
		_, err = app.ParseSettings(environment)
		require.NoError(t, err, name)
	}
}
