package mapping

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"userdrop/internal/usercsv"
)

// hashOutcome is what became of a password hash.
type hashOutcome struct {
	text      string // in Cognito's form; empty if it cannot be kept
	none      bool   // there is no password, so nothing is lost
	rewritten bool
}

// hashCounts counts the outcomes of hashes.
type hashCounts struct{ kept, rewritten, dropped int }

// hashFunction makes a function of expressions out of one that rewrites hashes.
func hashFunction(rewrite func(string) hashOutcome) func(*state, []any) (any, error) {
	return func(s *state, args []any) (any, error) {
		text, ok := args[0].(string)
		if !ok {
			return nil, errNoText
		}
		return s.count(rewrite(strings.TrimSpace(text))), nil
	}
}

// count counts an outcome and returns the hash, or nil.
func (s *state) count(o hashOutcome) any {
	switch {
	case o.none:
		return nil
	case o.text == "" || s.dropAll:
		s.hashes.dropped++
		return nil
	case o.rewritten:
		s.hashes.rewritten++
	default:
		s.hashes.kept++
	}
	return o.text
}

// keep returns a hash unchanged, if it has the form of one of the algorithms, within Cognito's maxima.
func keep(text string, algorithms ...usercsv.Algorithm) hashOutcome {
	algorithm, within, ok := usercsv.ParseHash([]byte(text))
	for _, a := range algorithms {
		if ok && within && a == algorithm {
			return hashOutcome{text: text}
		}
	}
	return hashOutcome{}
}

// bcryptHash is the function bcrypt. WordPress's $wp$2y$ is bcrypt of another hash: without its $wp it would have the
// form and never verify.
func bcryptHash(text string) hashOutcome { return keep(text, usercsv.BCRYPT) }

// phcHash is the function phc: any form that Cognito takes, and the PHC string forms of PBKDF2 and scrypt.
func phcHash(text string) hashOutcome {
	outcome := keep(text, usercsv.BCRYPT, usercsv.SCRYPT, usercsv.ARGON2ID, usercsv.PBKDF2SHA256)
	if outcome.text != "" {
		return outcome
	}
	fields := strings.Split(text, "$")
	if len(fields) != 5 || fields[0] != "" {
		return hashOutcome{}
	}
	salt, ok := decode64(fields[3])
	hash, ok2 := decode64(fields[4])
	parameters, ok3 := phcParameters(fields[2])
	if !ok || !ok2 || !ok3 {
		return hashOutcome{}
	}
	switch fields[1] {
	case "pbkdf2-sha256":
		return pbkdf2Form(parameters["i"], salt, hash)
	case "scrypt":
		if n := parameters["ln"]; n >= 1 && n < 31 {
			text := fmt.Sprintf("%d$%d$%d$%x$%x", 1<<n, parameters["r"], parameters["p"], salt, hash)
			outcome := keep(text, usercsv.SCRYPT)
			outcome.rewritten = true
			return outcome
		}
	}
	return hashOutcome{}
}

// phcParameters reads the parameters of a PHC string, such as ln=16,r=8,p=1.
func phcParameters(text string) (map[string]int, bool) {
	parameters := map[string]int{}
	for parameter := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(parameter, "=")
		n, err := strconv.Atoi(value)
		if err != nil {
			return nil, false
		}
		parameters[name] = n
	}
	return parameters, true
}

// djangoHash is the function django. The encodings are those of django/contrib/auth/hashers.py.
func djangoHash(text string) hashOutcome {
	algorithm, rest, _ := strings.Cut(text, "$")
	switch algorithm {
	case "pbkdf2_sha256":
		fields := strings.Split(rest, "$")
		if len(fields) != 3 {
			return hashOutcome{}
		}
		iterations, err := strconv.Atoi(fields[0])
		hash, ok := decode64(fields[2])
		if err != nil || !ok {
			return hashOutcome{}
		}
		return pbkdf2Form(iterations, []byte(fields[1]), hash)
	case "argon2":
		outcome := keep("$"+strings.TrimPrefix(rest, "$"), usercsv.ARGON2ID)
		outcome.rewritten = true
		return outcome
	case "bcrypt":
		outcome := keep(rest, usercsv.BCRYPT)
		outcome.rewritten = true
		return outcome
	}
	return hashOutcome{none: strings.HasPrefix(text, "!")}
}

// aspnetHash is the function aspnet: ASP.NET Core Identity's version 3 with HMAC-SHA256. The layout is that of
// PasswordHasher.cs: 0x01, then PRF, iterations and salt size as big-endian 32-bit numbers, salt, subkey.
func aspnetHash(text string) hashOutcome {
	const header, prfSHA256 = 13, 1
	data, ok := decode64(text)
	if !ok || len(data) < header || data[0] != 1 || binary.BigEndian.Uint32(data[1:]) != prfSHA256 {
		return hashOutcome{}
	}
	iterations, size := binary.BigEndian.Uint32(data[5:]), binary.BigEndian.Uint32(data[9:])
	if uint64(size) >= uint64(len(data)-header) {
		return hashOutcome{}
	}
	return pbkdf2Form(int(iterations), data[header:header+size], data[header+size:])
}

// pbkdf2Form returns a PBKDF2-SHA256 hash in Cognito's form. PBKDF2 makes its key in blocks of 32 bytes that do not
// depend on the key's length, so that a longer hash is cut to 32 without loss; a shorter one cannot be completed.
func pbkdf2Form(iterations int, salt, hash []byte) hashOutcome {
	const size = 32
	if iterations < 1 || len(salt) == 0 || len(hash) < size {
		return hashOutcome{}
	}
	text := fmt.Sprintf("$pbkdf2-sha256$%d$%s$%s", iterations, encode64(salt), encode64(hash[:size]))
	outcome := keep(text, usercsv.PBKDF2SHA256)
	outcome.rewritten = true
	return outcome
}

// encode64 is passlib's base64: without =, and . for +.
func encode64(data []byte) string {
	return strings.ReplaceAll(base64.RawStdEncoding.EncodeToString(data), "+", ".")
}

// decode64 decodes base64 of any alphabet, with or without padding.
func decode64(text string) ([]byte, bool) {
	plain := strings.NewReplacer(".", "+", "-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	data, err := base64.RawStdEncoding.DecodeString(plain)
	return data, err == nil
}

// pbkdf2Hash is the function pbkdf2(iterations, salt, hash[, encoding of the salt]): encodings are base64 (the
// default), hex, for salt and hash alike, and text, for a salt that is hashed as its own bytes.
func pbkdf2Hash(s *state, args []any) (any, error) {
	n, err := integer(s, args)
	if err != nil {
		return nil, err
	}
	salt, isText := args[1].(string)
	hash, areTexts := args[2].(string)
	if args[1] == nil || args[2] == nil {
		return nil, nil
	}
	if !isText || !areTexts {
		return nil, errNoText
	}
	encoding := any("base64")
	if len(args) > 3 {
		encoding = args[3]
	}
	var saltBytes, hashBytes []byte
	var ok bool
	switch encoding {
	case "base64":
		saltBytes, ok = decode64(salt)
		if ok {
			hashBytes, ok = decode64(hash)
		}
	case "text":
		saltBytes = []byte(salt)
		hashBytes, ok = decode64(hash)
	case "hex":
		var err1, err2 error
		saltBytes, err1 = hex.DecodeString(salt)
		hashBytes, err2 = hex.DecodeString(hash)
		ok = err1 == nil && err2 == nil
	default:
		return nil, errors.New("the encoding of pbkdf2 is none of base64, hex, text")
	}
	if !ok {
		return s.count(hashOutcome{}), nil
	}
	iterations, _ := n.(int)
	return s.count(pbkdf2Form(iterations, saltBytes, hashBytes)), nil
}

// keycloak is the function keycloak(credentials) with a list of a realm export, or keycloak(secret_data,
// credential_data) with two JSON texts of the table credential.
func keycloak(s *state, args []any) (any, error) {
	if len(args) == 2 {
		return s.keycloakHash(args[0], args[1])
	}
	list, ok := args[0].([]any)
	if !ok {
		return nil, errors.New("the argument of keycloak is not a list of credentials")
	}
	for _, entry := range list {
		if credential, ok := entry.(map[string]any); ok && credential["type"] == "password" {
			return s.keycloakHash(credential["secretData"], credential["credentialData"])
		}
	}
	return nil, nil
}

func (s *state) keycloakHash(secretData, credentialData any) (any, error) {
	if secretData == nil || credentialData == nil {
		return nil, nil
	}
	secretValue, err := parseJSON(s, []any{secretData})
	if err != nil {
		return nil, err
	}
	parametersValue, err := parseJSON(s, []any{credentialData})
	if err != nil {
		return nil, err
	}
	secret, ok := secretValue.(map[string]any)
	parameters, ok2 := parametersValue.(map[string]any)
	if !ok || !ok2 {
		return nil, errors.New("a credential of keycloak is not an object")
	}
	value, _ := secret["value"].(string)
	if value == "" {
		return nil, nil // a password that was never set
	}
	saltText, _ := secret["salt"].(string)
	iterations, _ := parameters["hashIterations"].(int)
	hash, ok := decode64(value)
	salt, ok2 := decode64(saltText)
	if parameters["algorithm"] != "pbkdf2-sha256" || !ok || !ok2 {
		return s.count(hashOutcome{}), nil
	}
	return s.count(pbkdf2Form(iterations, salt, hash)), nil
}

// dropHash is the function drop: there is a hash, and it cannot be kept.
func dropHash(s *state, _ []any) (any, error) { return s.count(hashOutcome{}), nil }
