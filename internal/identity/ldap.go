package identity

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"guiling/internal/store"
)

// LDAPOptions say where the directory is.
type LDAPOptions struct {
	URL          string // ldaps://host, or ldap://host, which is brought to TLS before anything is said
	BaseDN       string
	UserFilter   string // with one %s for the name, for example (uid=%s)
	BindDN       string // who searches; empty: anonymously
	BindPassword string
	CAFile       string // trusted besides those of the system; empty: none
}

// LDAP checks passwords in a directory: it finds the entry of a name, and binds as
// it. It is safe for use by many goroutines.
type LDAP struct {
	options LDAPOptions
	tls     *tls.Config
	upgrade bool // to TLS, before anything is said
}

// NewLDAP checks the options. The directory is asked when somebody signs in.
func NewLDAP(o LDAPOptions) (*LDAP, error) {
	address, err := url.Parse(o.URL)
	if err != nil || (address.Scheme != "ldaps" && address.Scheme != "ldap") || address.Hostname() == "" {
		return nil, errors.New("GUILING_LDAP_URL has the form ldaps://host:port")
	}
	if strings.Count(o.UserFilter, "%s") != 1 || strings.Count(o.UserFilter, "%") != 1 {
		return nil, errors.New("GUILING_LDAP_USER_FILTER has exactly one %s, for the name")
	}
	if _, err := ldap.CompileFilter(fmt.Sprintf(o.UserFilter, "x")); err != nil {
		return nil, fmt.Errorf("GUILING_LDAP_USER_FILTER: %w", err)
	}
	l := &LDAP{options: o, tls: &tls.Config{ServerName: address.Hostname(), MinVersion: tls.VersionTLS12}}
	// By the parsed scheme, which is in small letters however it was written: the
	// library takes LDAP:// for ldap:// as well.
	ip := net.ParseIP(address.Hostname())
	l.upgrade = address.Scheme == "ldap" && (ip == nil || !ip.IsLoopback())
	if o.CAFile != "" {
		roots, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("GUILING_LDAP_CA_FILE: %w", err)
		}
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("GUILING_LDAP_CA_FILE: %w", err)
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, errors.New("GUILING_LDAP_CA_FILE holds no certificate")
		}
		l.tls.RootCAs = roots
	}
	return l, nil
}

// errNotThere: the directory knows no such name, or not this password.
var errNotThere = errors.New("ldap: wrong name or password")

// Check finds the one entry of a name and proves the password by binding as it. It
// gives the entry as an identity: the directory's address, and the entry's own name
// in small letters.
func (l *LDAP) Check(ctx context.Context, name, password string) (store.OutsideIdentity, error) {
	conn, err := ldap.DialURL(l.options.URL, ldap.DialWithTLSConfig(l.tls), ldap.DialWithDialer(&net.Dialer{Timeout: outsidePatience}))
	if err != nil {
		return store.OutsideIdentity{}, fmt.Errorf("ldap: %w", err)
	}
	defer func() { _ = conn.Close() }()
	conn.SetTimeout(outsidePatience)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if l.upgrade {
		if err := conn.StartTLS(l.tls); err != nil {
			return store.OutsideIdentity{}, fmt.Errorf("ldap: %w", err)
		}
	}
	if l.options.BindDN != "" {
		if err := conn.Bind(l.options.BindDN, l.options.BindPassword); err != nil {
			return store.OutsideIdentity{}, fmt.Errorf("ldap: bind for the search: %w", err)
		}
	}
	// What somebody typed is data, whatever characters it holds.
	filter := fmt.Sprintf(l.options.UserFilter, ldap.EscapeFilter(name))
	found, err := conn.Search(ldap.NewSearchRequest(l.options.BaseDN, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 2,
		int(outsidePatience.Seconds()), false, filter, []string{"dn"}, nil))
	if err != nil && !ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) && !ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) {
		return store.OutsideIdentity{}, fmt.Errorf("ldap: search: %w", err)
	}
	// An empty password would be an anonymous bind, which succeeds.
	if err != nil || len(found.Entries) != 1 || password == "" {
		return store.OutsideIdentity{}, errNotThere
	}
	dn := found.Entries[0].DN
	if err := conn.Bind(dn, password); err != nil {
		// An entry without a password, or one that may not come in, is refused like a
		// wrong password: another answer would tell that it is there, and not be counted.
		if ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInappropriateAuthentication,
			ldap.LDAPResultConstraintViolation, ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultInsufficientAccessRights) {
			return store.OutsideIdentity{}, errNotThere
		}
		return store.OutsideIdentity{}, fmt.Errorf("ldap: bind: %w", err)
	}
	return store.OutsideIdentity{Issuer: l.options.URL, Subject: strings.ToLower(dn)}, nil
}
