package identity

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"golang.org/x/text/unicode/norm"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// The length of a password, in characters. There are no rules of composition
// (NIST SP 800-63B, ASVS 5.0 6.2): length, and nothing that is easily guessed. The
// upper end bounds the work.
const (
	minPassword = 12
	maxPassword = 128
)

//go:embed common_passwords.txt
var commonText string

// common are the cores of passwords that are tried first everywhere, in small
// letters, without the digits and signs that people put around them.
var common = sync.OnceValue(func() map[string]bool {
	words := map[string]bool{}
	for line := range strings.Lines(commonText) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			words[line] = true
		}
	}
	return words
})

// walks are what fingers do on a keyboard.
var walks = []string{
	"01234567890123456789", "98765432109876543210", "abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba",
	"qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "mnbvcxzlkjhgfdsapoiuytrewq", "1234567890qwertyuiopasdfghjklzxcvbnm",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "qazwsxedcrfvtgbyhnujmikolp", "zaq12wsxcde34rfvbgt56yhn", "!@#$%^&*()_+!@#$%^&*()",
	"q1w2e3r4t5y6u7i8o9p0", "1q2w3e4r5t6y7u8i9o0p", "a1b2c3d4e5f6g7h8i9j0",
}

// normal gives a password in one form, however it was typed: the same characters
// may come composed or not.
func normal(password string) string { return norm.NFC.String(password) }

// CheckPassword refuses a password that nobody should have: too short or too long,
// among the first that are tried, or made of what everybody knows about the person.
// Context are those words: the user name, the name, the organisation.
func CheckPassword(password string, context ...string) error {
	password = normal(password)
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password) || strings.ContainsRune(password, 0):
		return casework.Invalid("password", "invalid_text", "not valid UTF-8")
	case n < minPassword || n > maxPassword:
		return casework.Invalid("password", "password_length", "12 to 128 characters")
	}
	small := strings.ToLower(password)
	if isCommon(small) {
		return casework.Invalid("password", "password_common", "among the first that are tried")
	}
	for _, word := range append(contextWords(context), "guiling", "haochaping", "zhengwufuwu", "zhengwu", "归零", "好差评", "政务服务") {
		if strings.Contains(small, word) {
			return casework.Invalid("password", "password_context", "holds a word that everybody knows about you, or of this system")
		}
	}
	return nil
}

// contextWords are the telling parts of what is known about a person.
func contextWords(context []string) []string {
	var words []string
	for _, text := range context {
		for _, word := range append(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune("._- （）()", r) }), strings.ToLower(text)) {
			// Two Chinese characters are a name; two letters are anything.
			if n := utf8.RuneCountInString(word); n >= 4 || n >= 2 && len(word) > n {
				words = append(words, word)
			}
		}
	}
	return words
}

func isCommon(small string) bool {
	if strings.Trim(small, "0123456789") == "" {
		return true // a phone, a date, a number of somebody's
	}
	for unit := 1; unit <= utf8.RuneCountInString(small)/2; unit++ {
		if repeats([]rune(small), unit) {
			return true
		}
	}
	for _, walk := range walks {
		if strings.Contains(walk+walk, small) {
			return true
		}
	}
	core := strings.TrimFunc(small, func(r rune) bool { return !unicode.IsLetter(r) })
	plain := strings.NewReplacer("@", "a", "0", "o", "1", "l", "3", "e", "$", "s", "5", "s", "!", "i").Replace(core)
	plain = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, plain)
	return common()[core] || common()[plain] || common()[strings.TrimFunc(small, unicode.IsDigit)]
}

// repeats reports whether the text is one unit again and again, the last time
// perhaps cut short.
func repeats(text []rune, unit int) bool {
	for i := unit; i < len(text); i++ {
		if text[i] != text[i-unit] {
			return false
		}
	}
	return true
}

// HashPassword makes the argon2id hash of a password, in PHC form.
func HashPassword(password string) (string, error) {
	hash, err := argon2id.CreateHash(normal(password), argon2id.DefaultParams)
	if err != nil {
		return "", fmt.Errorf("hash the password: %w", err)
	}
	return hash, nil
}

func (s *Service) newHash(ctx context.Context, user store.User, password string) (string, error) {
	if err := CheckPassword(password, user.Username, user.DisplayName, user.OrganisationName); err != nil {
		return "", err
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return "", &casework.Error{Code: casework.CodeTooMany, Reason: "too_many", Detail: "sign-in is busy"}
	}
	return HashPassword(password)
}

// ChangePassword sets a new password for who knows the old one, and ends every
// other session of theirs. Wrong old ones count like failures to sign in.
func (s *Service) ChangePassword(ctx context.Context, user store.User, old, password, address, keepSession string) error {
	if user.PasswordHash == "" {
		return casework.Conflict("no_password", "this account has no password")
	}
	allowed, err := s.Users.TakeAttempt(ctx, user.Username, s.Now())
	if err != nil {
		return err
	}
	match, err := s.compare(ctx, normal(old), user.PasswordHash)
	if err != nil {
		return err
	}
	if !match || !allowed {
		attempt := store.SignInAttempt{Name: user.Username, UserID: user.ID, Way: store.WayPassword, Outcome: store.SignInRefused, Address: address, At: s.Now()}
		if !allowed {
			attempt.Outcome = store.SignInLocked
		}
		if err := s.Users.RecordSignIn(ctx, attempt); err != nil {
			return err
		}
		return casework.Invalid("old_password", "wrong_old_password", "not the present password")
	}
	if err := s.Users.ReturnAttempt(ctx, user.Username); err != nil {
		return err
	}
	hash, err := s.newHash(ctx, user, password)
	if err != nil {
		return err
	}
	return s.Users.SetPassword(ctx, user.ID, hash, keepSession)
}

// UserByLink gives whose link for a first password this is; CodeNotFound for one
// that was used, has run out, or never was.
func (s *Service) UserByLink(ctx context.Context, secret string) (store.User, error) {
	hash, ok := hashOf(linkPrefix, secret)
	if !ok {
		return store.User{}, errNoLink()
	}
	user, err := s.Users.UserByLink(ctx, hash, s.Now())
	if domain, ok := casework.AsError(err); ok && domain.Code == casework.CodeNotFound {
		return store.User{}, errNoLink()
	}
	return user, err
}

func errNoLink() error {
	return &casework.Error{Code: casework.CodeNotFound, Reason: "link_not_found", Detail: "the link was used, has run out, or never was"}
}

// SetFirstPassword sets a password by a link, once. The person then signs in.
func (s *Service) SetFirstPassword(ctx context.Context, secret, password, address string) error {
	user, err := s.UserByLink(ctx, secret)
	if err != nil {
		return err
	}
	hash, err := s.newHash(ctx, user, password)
	if err != nil {
		return err
	}
	link, _ := hashOf(linkPrefix, secret)
	if err := s.Users.UseLink(ctx, link, s.Now(), hash); err != nil {
		if domain, ok := casework.AsError(err); ok && domain.Code == casework.CodeNotFound {
			return errNoLink()
		}
		return err
	}
	return s.Users.RecordSignIn(ctx, store.SignInAttempt{
		Name: user.Username, UserID: user.ID, Way: store.WayLink, Outcome: store.SignedIn, Address: address, At: s.Now(),
	})
}
