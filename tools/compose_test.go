package tools_test

import (
	"bytes"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const root = ".."

// ends says of each service whether it ends by itself when its work is done.
var ends = map[string]bool{
	"postgres":           false,
	"temporal-schema":    true,
	"temporal":           false,
	"temporal-namespace": true,
	"temporal-ui":        false,
	"migrate":            true,
	"api":                false,
	"worker":             false,
}

// imageVariables are the variables that the images of others document.
var imageVariables = map[string][]string{
	"postgres":               {"POSTGRES_INITDB_ARGS", "POSTGRES_PASSWORD_FILE"},
	"temporalio/admin-tools": {"SQL_PLUGIN", "SQL_HOST", "SQL_PORT", "SQL_USER", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"},
	"temporalio/server":      {"TEMPORAL_SERVER_CONFIG_FILE_PATH", "BIND_ON_IP"},
	"temporalio/ui": {
		"TEMPORAL_ADDRESS", "TEMPORAL_DEFAULT_NAMESPACE", "TEMPORAL_DISABLE_WRITE_ACTIONS", "TEMPORAL_NOTIFY_ON_NEW_VERSION",
		"TEMPORAL_CODEC_ENDPOINT", "TEMPORAL_CODEC_INCLUDE_CREDENTIALS",
	},
}

func TestComposeServices(t *testing.T) {
	t.Parallel()
	project := load(t)
	require.ElementsMatch(t, keys(ends), project.ServiceNames())

	for name, service := range project.Services {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NotContains(t, service.Image, "auto-setup", "it makes schemas by guessing and is not for production")
			require.False(t, strings.HasSuffix(service.Image, ":latest"), "name a version")
			require.Contains(t, service.Image, ":", "name a version")

			require.NotEmpty(t, service.User, "say as whom it runs")
			require.NotRegexp(t, `^(0|root)(:|$)`, service.User)
			require.False(t, service.Privileged)
			require.Equal(t, []string{"ALL"}, service.CapDrop)
			require.Contains(t, service.SecurityOpt, "no-new-privileges:true")

			if ends[name] {
				require.Regexp(t, `^on-failure:\d+$`, service.Restart)
				return
			}
			require.Equal(t, types.RestartPolicyUnlessStopped, service.Restart)
			require.NotNil(t, service.HealthCheck)
			require.False(t, service.HealthCheck.Disable)
			require.NotEmpty(t, service.HealthCheck.Test)
		})
	}
}

func TestComposePublishesOnlyOnLoopback(t *testing.T) {
	t.Parallel()
	published := make(map[string]bool)
	for name, service := range load(t).Services {
		require.NotEqual(t, "host", service.NetworkMode)
		for _, port := range service.Ports {
			published[name] = true
			ip := net.ParseIP(port.HostIP)
			require.True(t, ip != nil && ip.IsLoopback(), "%s publishes on %q", name, port.HostIP)
		}
	}
	require.Equal(t, map[string]bool{"api": true, "temporal-ui": true}, published)
}

func TestComposeNetworks(t *testing.T) {
	t.Parallel()
	project := load(t)
	for _, name := range []string{"data", "engine"} {
		require.True(t, project.Networks[name].Internal, "%s must have no way out", name)
	}
	for _, name := range []string{"postgres", "temporal"} {
		require.NotContains(t, project.Services[name].Networks, "outside")
	}
	require.NotContains(t, project.Services["temporal-ui"].Networks, "data")
}

// What a service waits for: a server until it is healthy, a job until it is done.
func TestComposeOrder(t *testing.T) {
	t.Parallel()
	project := load(t)
	waits := map[string][]string{
		"temporal-schema":    {"postgres"},
		"temporal":           {"postgres", "temporal-schema"},
		"temporal-namespace": {"temporal"},
		"temporal-ui":        {"temporal"},
		"migrate":            {"postgres"},
		"api":                {"migrate", "temporal-namespace"},
		"worker":             {"migrate", "temporal-namespace"},
	}
	for name, service := range project.Services {
		require.ElementsMatch(t, waits[name], keys(service.DependsOn), name)
		for on, dependency := range service.DependsOn {
			want := types.ServiceConditionHealthy
			if ends[on] {
				want = types.ServiceConditionCompletedSuccessfully
			}
			require.Equal(t, want, dependency.Condition, "%s on %s", name, on)
		}
	}
}

func TestComposeSecrets(t *testing.T) {
	t.Parallel()
	project := load(t)
	for name, service := range project.Services {
		for key, value := range service.Environment {
			require.NotNil(t, value, "%s: %s would be taken over from whoever starts it", name, key)
			require.NotRegexp(t, `(?i)://[^/]*:[^/]*@`, *value, "%s: %s holds a password", name, key)
			// Where the pages are is no secret; where the database is holds one.
			if key != "GUILING_PUBLIC_URL" && regexp.MustCompile(`(?i)PASSWORD|_URL|SECRET|TOKEN`).MatchString(key) {
				require.True(t, strings.HasSuffix(key, "_FILE"), "%s: %s belongs into a file", name, key)
			}
			if file, ok := strings.CutPrefix(*value, "/run/secrets/"); ok {
				require.True(t, slices.ContainsFunc(service.Secrets, func(s types.ServiceSecretConfig) bool { return s.Source == file }),
					"%s reads the secret %s and is not given it", name, file)
			}
		}
	}
	script := read(t, "deploy/make-secrets.sh")
	for name := range project.Secrets {
		base := strings.TrimSuffix(name, "_password")
		require.Regexp(t, `\b`+base+`\b`, script, "make-secrets.sh does not make %s", name)
	}
}

func TestComposeVariablesAreKnown(t *testing.T) {
	t.Parallel()
	project := load(t)
	settings := productSettings(t)
	readme := read(t, "deploy/README.md")
	for name, service := range project.Services {
		image, _, _ := strings.Cut(service.Image, ":")
		for key := range service.Environment {
			if image == "guiling" {
				setting := key
				if !slices.Contains(settings, setting) {
					setting = strings.TrimSuffix(key, "_FILE")
				}
				require.Contains(t, settings, setting, "%s: no such setting of the product", name)
				require.Contains(t, readme, "`"+setting+"`")
				continue
			}
			require.Contains(t, imageVariables[image], key, "%s: no such variable of the image", name)
			require.Contains(t, readme, "`"+key+"`")
		}
	}
	for _, match := range regexp.MustCompile(`\$\{([A-Z_]+)`).FindAllStringSubmatch(read(t, "docker-compose.yml"), -1) {
		require.Contains(t, readme, "`"+match[1]+"`")
	}
}

// The configuration of the Temporal server, as that server reads it.
func TestTemporalConfiguration(t *testing.T) {
	t.Parallel()
	text := read(t, "deploy/temporal/config.yaml")
	require.True(t, strings.HasPrefix(text, "# enable-template\n"), "the server looks for this mark")
	parsed, err := template.New("").Funcs(template.FuncMap{
		"env":   func(string) string { return "192.0.2.1" },
		"quote": func(s string) string { return `"` + s + `"` },
	}).Parse(text)
	require.NoError(t, err)
	var rendered bytes.Buffer
	require.NoError(t, parsed.Execute(&rendered, nil))

	var config struct {
		Persistence struct {
			DataStores map[string]struct {
				SQL struct {
					DatabaseName    string
					Password        string
					PasswordCommand struct{ Args []string } `yaml:"passwordCommand"`
				}
			} `yaml:"datastores"`
		}
		DynamicConfigClient struct{ Filepath string } `yaml:"dynamicConfigClient"`
	}
	require.NoError(t, yaml.Unmarshal(rendered.Bytes(), &config))
	require.Len(t, config.Persistence.DataStores, 2)
	for _, store := range config.Persistence.DataStores {
		require.Empty(t, store.SQL.Password)
		require.Equal(t, []string{"/run/secrets/temporal_password"}, store.SQL.PasswordCommand.Args)
	}

	mounted := mountedFile(t, load(t).Services["temporal"], config.DynamicConfigClient.Filepath)
	var dynamic map[string][]struct{ Value any }
	require.NoError(t, yaml.Unmarshal([]byte(read(t, mounted)), &dynamic))
	for _, key := range []string{"matching.numTaskqueueReadPartitions", "matching.numTaskqueueWritePartitions"} {
		require.Len(t, dynamic[key], 1, key)
		require.Equal(t, 1, dynamic[key][0].Value)
	}
}

// Files that are mounted exist; a missing one would become an empty folder.
func TestComposeMounts(t *testing.T) {
	t.Parallel()
	for name, service := range load(t).Services {
		for _, volume := range service.Volumes {
			if volume.Type != types.VolumeTypeBind {
				continue
			}
			require.FileExists(t, existing(volume.Source), "%s mounts %s", name, volume.Source)
			require.True(t, volume.ReadOnly, "%s may write to %s", name, volume.Source)
		}
	}
}

func load(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")}, cli.WithResolvedPaths(true))
	require.NoError(t, err)
	project, err := options.LoadProject(t.Context())
	require.NoError(t, err)
	return project
}

// productSettings are the GUILING_ settings that the code reads: named in full,
// or in a struct tag without the prefix.
func productSettings(t *testing.T) []string {
	t.Helper()
	whole := regexp.MustCompile(`"(GUILING_[A-Z0-9_]+)"`)
	tag := regexp.MustCompile(`env:"([A-Z0-9_]+)`)
	var names []string
	tree := os.DirFS(root)
	for _, dir := range []string{"cmd", "internal"} {
		err := fs.WalkDir(tree, dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := fs.ReadFile(tree, path)
			for _, match := range whole.FindAllSubmatch(source, -1) {
				names = append(names, string(match[1]))
			}
			for _, match := range tag.FindAllSubmatch(source, -1) {
				names = append(names, "GUILING_"+strings.TrimPrefix(string(match[1]), "GUILING_"))
			}
			return err
		})
		require.NoError(t, err)
	}
	return names
}

// mountedFile finds the file of this repository that a service sees at target.
func mountedFile(t *testing.T, service types.ServiceConfig, target string) string {
	t.Helper()
	for _, volume := range service.Volumes {
		if rest, ok := strings.CutPrefix(target, volume.Target); ok {
			base, err := filepath.Abs(root)
			require.NoError(t, err)
			path, err := filepath.Rel(base, volume.Source+rest)
			require.NoError(t, err)
			return path
		}
	}
	require.Fail(t, "nothing is mounted", "at %s", target)
	return ""
}

// existing is the path itself when it is a file, or the first file in the folder.
func existing(path string) string {
	if files, err := os.ReadDir(path); err == nil && len(files) > 0 {
		return filepath.Join(path, files[0].Name())
	}
	return path
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return string(text)
}

func keys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	return names
}
