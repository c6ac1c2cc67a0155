package localpg

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/lib/pq"
)

// The codes of PostgreSQL that mean “it is already there”.
const (
	codeDuplicateDatabase = "42P04"
	codeDuplicateObject   = "42710"
	codeUniqueViolation   = "23505" // two sessions made the same role or database at the same moment
)

// newDatabase is the same whatever the defaults of the server are: a locale
// that knows Chinese letters, and an order of texts that no upgrade of the
// operating system changes.
const newDatabase = " TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"

// EnsureDatabase makes the database on the server of adminURL, or sees to it
// that the existing one belongs to owner. The login of adminURL must be
// allowed to make databases.
func EnsureDatabase(ctx context.Context, adminURL, name, owner string) error {
	return withDB(adminURL, func(db *sql.DB) error {
		quoted, quotedOwner := pq.QuoteIdentifier(name), pq.QuoteIdentifier(owner)
		_, err := db.ExecContext(ctx, "CREATE DATABASE "+quoted+" OWNER "+quotedOwner+newDatabase)
		if alreadyThere(err) {
			_, err = db.ExecContext(ctx, "ALTER DATABASE "+quoted+" OWNER TO "+quotedOwner)
		}
		if err != nil {
			return fmt.Errorf("ensure the database %s: %w", name, err)
		}
		return nil
	})
}

// EnsureLogin makes the login role on the server of adminURL, or gives the
// existing one this password. It has no privileges of its own.
func EnsureLogin(ctx context.Context, adminURL, role, password string) error {
	return ensureRole(ctx, adminURL, role, "LOGIN PASSWORD "+pq.QuoteLiteral(password))
}

// EnsureOwner makes the login role that owns a database and runs its
// migrations: it may also make roles, because the migrations make the one the
// application works as.
func EnsureOwner(ctx context.Context, adminURL, role, password string) error {
	if err := ensureRole(ctx, adminURL, role, "LOGIN CREATEROLE PASSWORD "+pq.QuoteLiteral(password)); err != nil {
		return err
	}
	return withDB(adminURL, func(db *sql.DB) error {
		var super bool
		err := db.QueryRowContext(ctx, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user").Scan(&super)
		if err == nil && !super {
			// Who is no superuser makes a database for another role only as a member of it.
			_, err = db.ExecContext(ctx, "GRANT "+pq.QuoteIdentifier(role)+" TO CURRENT_USER")
		}
		if err != nil {
			return fmt.Errorf("ensure the role %s: %w", role, err)
		}
		return nil
	})
}

func ensureRole(ctx context.Context, adminURL, role, attributes string) error {
	return withDB(adminURL, func(db *sql.DB) error {
		quoted := pq.QuoteIdentifier(role)
		_, err := db.ExecContext(ctx, "CREATE ROLE "+quoted+" "+attributes)
		if alreadyThere(err) {
			_, err = db.ExecContext(ctx, "ALTER ROLE "+quoted+" "+attributes)
		}
		if err != nil {
			return fmt.Errorf("ensure the role %s: %w", role, err)
		}
		return nil
	})
}

// GrantRole makes member a member of role; both must exist.
func GrantRole(ctx context.Context, adminURL, role, member string) error {
	return withDB(adminURL, func(db *sql.DB) error {
		if _, err := db.ExecContext(ctx, "GRANT "+pq.QuoteIdentifier(role)+" TO "+pq.QuoteIdentifier(member)); err != nil {
			return fmt.Errorf("make %s a member of %s: %w", member, role, err)
		}
		return nil
	})
}

// Login says as whom to connect and to what.
type Login struct {
	User     string
	Password string
	Database string
	// Role, when set, is the role that each session works as from its first
	// statement on. User must be a member of it.
	Role string
}

// WithLogin is the server of base with another login. Other parameters of
// base stay, so that its sslmode is kept.
func WithLogin(base string, login Login) (string, error) {
	u, err := url.Parse(base)
	if err != nil {
		// url.Error repeats the address, and with it the password.
		return "", errors.New("the database URL cannot be read")
	}
	u.User = url.UserPassword(login.User, login.Password)
	u.Path = "/" + login.Database
	query := u.Query()
	query.Del("options")
	if login.Role != "" {
		query.Set("options", "-c role="+login.Role)
	}
	// PostgreSQL's own tools read %20 as a space, and a + as a +.
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	return u.String(), nil
}

func withDB(address string, do func(*sql.DB) error) error {
	db, err := sql.Open("postgres", address)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	return errors.Join(do(db), db.Close())
}

func alreadyThere(err error) bool {
	pqErr, ok := errors.AsType[*pq.Error](err)
	if !ok {
		return false
	}
	switch pqErr.Code {
	case codeDuplicateDatabase, codeDuplicateObject, codeUniqueViolation:
		return true
	default:
		return false
	}
}
