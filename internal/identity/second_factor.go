package identity

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image/png"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// A code is good for the step in which it is shown, and for one before and after,
// for clocks that differ (RFC 6238).
const (
	stepLength = 30 * time.Second
	stepsApart = 1
	codeLength = 6

	recoveryCodes     = 10
	recoveryCodeBytes = 10 // 80 bits: nobody tries them
)

// Enrolment is a second factor that is being set up. Until it is confirmed it is
// kept nowhere but with the one who sets it up, sealed.
type Enrolment struct {
	Secret string // base32, for typing
	QRCode []byte // PNG, for an app
	Sealed string // what Confirm wants back; bound to the person
}

func factorContext(userID int64) string { return "second factor of " + strconv.FormatInt(userID, 10) }

// BeginSecondFactor makes a secret for somebody's app.
func (s *Service) BeginSecondFactor(user store.User) (Enrolment, error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "归零 Guiling", AccountName: user.Username, Algorithm: otp.AlgorithmSHA1, Digits: otp.DigitsSix})
	if err != nil {
		return Enrolment{}, fmt.Errorf("second factor: %w", err)
	}
	return s.enrolment(user, key)
}

// SecondFactorAgain shows an enrolment once more, for who mistyped the code.
func (s *Service) SecondFactorAgain(user store.User, sealed string) (Enrolment, error) {
	secret, err := s.unsealFactor(user.ID, sealed)
	if err != nil {
		return Enrolment{}, err
	}
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		return Enrolment{}, fmt.Errorf("second factor: %w", err)
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "归零 Guiling", AccountName: user.Username, Secret: raw, Algorithm: otp.AlgorithmSHA1, Digits: otp.DigitsSix})
	if err != nil {
		return Enrolment{}, fmt.Errorf("second factor: %w", err)
	}
	return s.enrolment(user, key)
}

func (s *Service) enrolment(user store.User, key *otp.Key) (Enrolment, error) {
	picture, err := key.Image(240, 240)
	if err != nil {
		return Enrolment{}, fmt.Errorf("second factor: %w", err)
	}
	var qr bytes.Buffer
	if err := png.Encode(&qr, picture); err != nil {
		return Enrolment{}, fmt.Errorf("second factor: %w", err)
	}
	sealed, err := s.Cipher.Seal([]byte(key.Secret()), factorContext(user.ID))
	if err != nil {
		return Enrolment{}, err
	}
	return Enrolment{Secret: key.Secret(), QRCode: qr.Bytes(), Sealed: base64.RawURLEncoding.EncodeToString(sealed)}, nil
}

func (s *Service) unsealFactor(userID int64, text string) (string, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return "", casework.Invalid("code", "wrong_code", "begin again")
	}
	secret, err := s.Cipher.Unseal(sealed, factorContext(userID))
	if err != nil {
		return "", casework.Invalid("code", "wrong_code", "begin again")
	}
	return string(secret), nil
}

// ConfirmSecondFactor keeps a second factor for who shows that their app knows it,
// and gives recovery codes, once.
func (s *Service) ConfirmSecondFactor(ctx context.Context, user store.User, sealedText, code string) ([]string, error) {
	if user.SecondFactor {
		return nil, casework.Conflict("has_second_factor", "there is a second factor already; an administrator can take it away")
	}
	secret, err := s.unsealFactor(user.ID, sealedText)
	if err != nil {
		return nil, err
	}
	step, ok, err := s.stepOf(secret, code)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, casework.Invalid("code", "wrong_code", "not the code of this moment")
	}
	sealed, err := s.Cipher.Seal([]byte(secret), factorContext(user.ID))
	if err != nil {
		return nil, err
	}
	codes, hashes := make([]string, recoveryCodes), make([][]byte, recoveryCodes)
	for i := range codes {
		raw := make([]byte, recoveryCodeBytes)
		if _, err := rand.Read(raw); err != nil {
			return nil, fmt.Errorf("recovery code: %w", err)
		}
		text := strings.ToLower(base32.StdEncoding.EncodeToString(raw))
		codes[i] = text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
		hashes[i] = recoveryHash(codes[i])
	}
	return codes, s.Users.SetSecondFactor(ctx, user.ID, sealed, step, hashes)
}

func recoveryHash(code string) []byte {
	plain := strings.ToLower(strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, code))
	sum := sha256.Sum256([]byte(plain))
	return sum[:]
}

// stepOf finds the time step whose code this is.
func (s *Service) stepOf(secret, code string) (int64, bool, error) {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	now := s.Now().Unix() / int64(stepLength/time.Second)
	for step := now - stepsApart; step <= now+stepsApart; step++ {
		want, err := totp.GenerateCodeCustom(secret, time.Unix(step*int64(stepLength/time.Second), 0), totp.ValidateOpts{
			Period: uint(stepLength / time.Second), Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1,
		})
		if err != nil {
			return 0, false, fmt.Errorf("second factor: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			return step, true, nil
		}
	}
	return 0, false, nil
}

// halfLife is how long the second factor may take after the password.
const halfLife = 5 * time.Minute

const halfContext = "shown a password"

// half is who has shown the password, and when.
type half struct {
	UserID int64 `json:"user_id"`
	At     int64 `json:"at"`
}

// HalfSignedIn gives a ticket to who has shown the password and not yet the second
// factor. It is sealed, and good for a few minutes.
func (s *Service) HalfSignedIn(user store.User) (ticket string, err error) {
	data, err := json.Marshal(half{UserID: user.ID, At: s.Now().Unix()})
	if err != nil {
		return "", fmt.Errorf("half signed in: %w", err)
	}
	sealed, err := s.Cipher.Seal(data, halfContext)
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

func (s *Service) readHalf(ticket string) (half, error) {
	late := unauthorized("half_expired", "too long after the password; sign in again")
	sealed, err := base64.RawURLEncoding.DecodeString(ticket)
	if err != nil {
		return half{}, late
	}
	data, err := s.Cipher.Unseal(sealed, halfContext)
	if err != nil {
		return half{}, late
	}
	var h half
	if err := json.Unmarshal(data, &h); err != nil || s.Now().Sub(time.Unix(h.At, 0)) > halfLife {
		return half{}, late
	}
	return h, nil
}

// CheckCode signs somebody in who has shown the password: by the code of their app,
// or by a recovery code. Each is taken once, in whichever process; failures count
// towards the lock.
func (s *Service) CheckCode(ctx context.Context, ticket, code, address string) (store.User, error) {
	h, err := s.readHalf(ticket)
	if err != nil {
		return store.User{}, err
	}
	user, err := s.stillThere(s.Users.UserByID(ctx, h.UserID))
	if err != nil {
		return store.User{}, err
	}
	allowed, err := s.Users.TakeAttempt(ctx, user.Username, s.Now())
	if err != nil {
		return store.User{}, err
	}
	attempt := store.SignInAttempt{Name: user.Username, UserID: user.ID, Way: store.WaySecondFactor, Address: address, At: s.Now()}
	good := false
	if allowed {
		if good, attempt.Way, err = s.takeCode(ctx, user.ID, code); err != nil {
			return store.User{}, err
		}
	}
	switch {
	case !allowed:
		attempt.Outcome = store.SignInLocked
	case good:
		attempt.Outcome = store.SignedIn
	default:
		attempt.Outcome = store.SignInRefused
	}
	if err := s.Users.RecordSignIn(ctx, attempt); err != nil {
		return store.User{}, err
	}
	if !good {
		return store.User{}, unauthorized("wrong_code", "not the code of this moment, used before, or too many failures")
	}
	return user, nil
}

func (s *Service) takeCode(ctx context.Context, userID int64, code string) (bool, store.SignInWay, error) {
	if len(strings.TrimSpace(code)) > codeLength+1 {
		good, err := s.Users.UseRecoveryCode(ctx, userID, recoveryHash(code))
		return good, store.WayRecoveryCode, err
	}
	sealed, err := s.Users.SecondFactor(ctx, userID)
	if err != nil || sealed == nil {
		return false, store.WaySecondFactor, err
	}
	secret, err := s.Cipher.Unseal(sealed, factorContext(userID))
	if err != nil {
		return false, store.WaySecondFactor, fmt.Errorf("second factor of %d: %w", userID, err)
	}
	step, ok, err := s.stepOf(string(secret), code)
	if err != nil || !ok {
		return false, store.WaySecondFactor, err
	}
	good, err := s.Users.UseStep(ctx, userID, step)
	return good, store.WaySecondFactor, err
}
