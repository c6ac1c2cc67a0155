package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"guiling/internal/attachments"
	"guiling/internal/commands"
	"guiling/internal/engine"
	"guiling/internal/identity"
	"guiling/internal/sealing"
	"guiling/internal/store"
	"guiling/policies"
	"guiling/web"
)

// openSealer reads the keys, or makes them at the very first start.
func openSealer(s Settings) (*sealing.Sealer, error) {
	provider, err := sealing.ProviderOf(s.Cipher)
	if err != nil {
		return nil, err
	}
	return sealing.Open(s.DataKeyFile, true, sealing.WithCipher(provider))
}

// OpenStore connects to the database with the key of the personal data.
func OpenStore(ctx context.Context, s Settings) (*store.Store, error) {
	if err := s.needDatabase(); err != nil {
		return nil, err
	}
	sealer, err := openSealer(s)
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, s.DatabaseURL, sealer)
}

// OpenEngine prepares the connection to Temporal. What the engine keeps of cases
// is sealed with the same keys as personal data, so every process needs them.
func OpenEngine(s Settings, role string, log *slog.Logger) (*engine.Engine, error) {
	sealer, err := openSealer(s)
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return engine.Dial(engine.Options{
		Address: s.TemporalAddress, Namespace: s.TemporalNamespace, Log: log, Cipher: sealer,
		Identity: fmt.Sprintf("guiling-%s/%s/%d/%s", role, host, os.Getpid(), s.Version),
	})
}

// OpenCommands puts the commands together under rules that OpenPolicy loaded.
func OpenCommands(s Settings, st *store.Store, eng commands.Engine, policy *policies.Enforcer, log *slog.Logger) (*commands.Service, error) {
	service := commands.New(st, eng, policy, s.Version, SystemClock, log)
	service.LimitReveals(store.RevealLimits{
		PerHour: s.RevealsPerHour, PerDay: s.RevealsPerDay, AlarmCases: s.RevealAlarmCases, OddCases: s.RevealAlarmOddCases,
	})
	service.LetMail(commands.Mailing{On: s.SMTPAddr != "", Domains: mailDomains(s)})
	if s.ScannerAddr != "" {
		scanner, err := attachments.NewClamd(s.ScannerAddr)
		if err != nil {
			return nil, err
		}
		service.ScanWith(scanner)
	}
	return service, nil
}

// OpenIdentity puts sign-in together.
func OpenIdentity(s Settings, st *store.Store) (*identity.Service, error) {
	sealer, err := openSealer(s)
	if err != nil {
		return nil, err
	}
	options := identity.Options{
		Users: st, Cipher: sealer, Demo: s.Demo, SecondFactor: identity.Requirement(s.RequireSecondFactor), Now: SystemClock,
	}
	if s.LDAPURL != "" {
		options.LDAP, err = identity.NewLDAP(identity.LDAPOptions{
			URL: s.LDAPURL, BaseDN: s.LDAPBaseDN, UserFilter: cmp.Or(s.LDAPUserFilter, "(uid=%s)"), BindDN: s.LDAPBindDN, BindPassword: s.LDAPBindPassword, CAFile: s.LDAPCAFile,
		})
		if err != nil {
			return nil, err
		}
	}
	return identity.New(options)
}

// openOIDC prepares sign-in at an OpenID provider; nil when there is none.
func openOIDC(s Settings) (*identity.OIDC, error) {
	if s.OIDCIssuer == "" {
		return nil, nil //nolint:nilnil // no provider is no failure
	}
	if s.PublicURL == "" || s.OIDCClientID == "" {
		return nil, errors.New("GUILING_OIDC_ISSUER needs GUILING_PUBLIC_URL and GUILING_OIDC_CLIENT_ID")
	}
	return identity.NewOIDC(identity.OIDCOptions{
		Issuer: s.OIDCIssuer, ClientID: s.OIDCClientID, ClientSecret: s.OIDCClientSecret,
		RedirectURL: strings.TrimSuffix(s.PublicURL, "/") + web.OIDCCallback, Name: cmp.Or(s.OIDCName, "OpenID"),
	}), nil
}

// openTraining lets people of a demo move cases ahead in time, where the engine
// can and no case is real; nil for everywhere else.
func openTraining(ctx context.Context, s Settings, st *store.Store, eng commands.TimeMachine, log *slog.Logger) (*commands.Training, error) {
	if !s.Demo || !s.TimeSkipping {
		return nil, nil //nolint:nilnil // no training is no failure
	}
	held, err := st.HoldsRealCases(ctx)
	if err != nil {
		return nil, err
	}
	if held {
		log.WarnContext(ctx, "GUILING_DEMO is set on a database that holds real cases: there is no training mode")
		return nil, nil //nolint:nilnil // the same
	}
	return &commands.Training{Store: st, Machine: eng, Namespace: s.TemporalNamespace, Now: SystemClock}, nil
}

// OpenImporter puts the import of files together.
func OpenImporter(st *store.Store) commands.Importer {
	return commands.Importer{Store: st, Now: SystemClock}
}

// waitFor asks ready again and again until it gives no error or ctx is done. It
// says on the log what it waits for.
func waitFor(ctx context.Context, what string, log *slog.Logger, ready func(context.Context) error) error {
	for attempt := 0; ; attempt++ {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		if attempt%10 == 0 {
			log.InfoContext(ctx, "waiting", "for", what, "error", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, err)
		case <-time.After(500 * time.Millisecond): //nolint:forbidigo // a pause between attempts, no deadline of a case
		}
	}
}
