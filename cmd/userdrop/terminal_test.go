package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// evil is a text that would recolour a terminal, set its title, move its cursor, and turn the direction of writing.
const evil = "\x1b[31mred\x1b]0;title\x07\x08\r\u202egnp\u200b\u0085\x9b1m"

// controls returns the first character of a text that a terminal would obey or hide.
func controls(text string) string {
	for i, r := range text {
		if r != '\n' && !unicode.IsGraphic(r) {
			return text[max(0, i-20):min(len(text), i+20)]
		}
	}
	return ""
}

// TestNoControlCharacters runs commands on files whose names, headers and cells hold escape sequences.
func TestNoControlCharacters(t *testing.T) {
	name := "users" + strings.ReplaceAll(evil, "\x9b", "") + "\nuserdrop: done.csv"
	header := "username,email,email_verified," + evil + "\n"
	desk(t, map[string]string{
		name:          "username,email,email_verified\n" + evil + "x y,no address" + evil + ",maybe" + evil + "\n",
		"unknown.csv": header + "u1,a@example.com,true,x\n",
		"twice.csv": "username,email,\"" + strings.ReplaceAll(evil, "\r", "") + "\",e-mail,email_verified\nu1," +
			"a@example.com,x,y,true\n",
		"title.csv":   evil + "\nusername,email,email_verified\n",
		"ignored.csv": strings.ReplaceAll(header, "\r", "") + "u1,a@example.com,true,x\n",
	})
	if err := os.Mkdir("dir"+evil, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"check", name, "--pool", "pool.json"},
		{"check", name, "--pool", "pool.json", "--out", "out" + evil},
		{"check", "unknown.csv", "--pool", "pool.json"},
		{"check", "twice.csv", "--pool", "pool.json"},
		{"check", "title.csv", "--pool", "pool.json"},
		{"check", "ignored.csv", "--pool", "pool.json", "--ignore-columns", "*"},
		{"check", "gone" + evil + ".csv", "--pool", "pool.json"},
		{"check", "dir" + evil, "--pool", "pool.json"},
		{"check", name, "--pool", name},
		{"check", name, "--pool", "pool.json", "--header", name},
		{"check", name, "--pool", "pool.json", "--date-order", evil},
		{"check", name, "--pool", "pool.json", "--default-phone-country", evil},
		{"demo", "gone" + evil + ".csv", "--pool", "pool.json", "--out", "out"},
		{"demo", name, "--pool", "pool.json", "--out", "demo" + evil},
		{"demo", name, "--pool", name, "--out", "out"},
		{"drop", "gone" + evil + ".csv", "--stack", "none"},
		{"drop", name, "--stack", evil},
		{"convert", name, "--mapping", "auth0", "--pool", "pool.json", "--out", "converted" + evil},
		{"convert", "unknown.csv", "--mapping", "auth0", "--pool", "pool.json", "--out", "converted"},
		{"convert", name, "--mapping", evil, "--pool", "pool.json", "--out", "converted"},
		{"convert", "gone" + evil, "--mapping", "auth0", "--pool", "pool.json", "--out", "converted"},
		{"convert", name, "--mapping", name, "--pool", "pool.json", "--out", "converted"},
		{evil},
		{"check", "--" + evil},
	} {
		_, stdout, stderr := userdrop(args...)
		for _, text := range []string{stdout, stderr} {
			if at := controls(text); at != "" {
				t.Errorf("%q: a control character in %q", args, at)
			}
			if strings.Contains(text, "\nuserdrop: done") {
				t.Errorf("%q: the name of a file makes a line: %q", args, text)
			}
		}
	}
}

// TestNoSecrets shows neither passwords nor hashes, wherever they are.
func TestNoSecrets(t *testing.T) {
	const bcrypt = "$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
	secrets := []string{
		"Blue-Kettle-42", bcrypt, "0123456789abcdef0123456789ABCDEF", "{SSHA}Zm9vYmFyYmF6cXV4",
		"pbkdf2_sha256$600000$saltsalt$hashhash", "QUFBQUVBQUFjUUFBQUFF=", "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY3",
	}
	pool := strings.Replace(testPool, `"SchemaAttributes": [`, `"SchemaAttributes": [
		{"Name": "custom:password", "AttributeDataType": "Number"},
		{"Name": "custom:api_token", "AttributeDataType": "String", "StringAttributeConstraints": {"MaxLength": "3"}},`, 1)
	for _, secret := range secrets {
		files := map[string]string{
			"unknown.csv": "username,email,email_verified,password,thing\nu1,a@example.com,true," + secret + "," + secret + "\n",
			// In a column for something else, in one that may hold it, in one named like a secret, and in a row that
			// cannot be split.
			"shifted.csv": "username,email,email_verified,tier\nu1," + secret + ",true,x\nu2,b@example.com," + secret + ",x\n",
			"hash.csv":    "username,email,email_verified,password_hash\nu1,a@example.com,true,x" + secret + "x\n",
			"custom.csv": "username,email,email_verified,custom:password,custom:api_token\nu1,a@example.com," +
				"true," + secret + "," + secret + "\n",
			"split.csv":  "username,email,email_verified\nu1,a@example.com,true," + secret + "\n\"u2," + secret + "\n",
			"header.csv": "username,email," + secret + "\nu1,a@example.com,true\n",
			"data.csv":   "u1,a@example.com," + secret + "\n",
			"alone.csv":  secret + "\n",
		}
		if secret == "Blue-Kettle-42" { // nobody can tell it from a name or an address
			for _, open := range []string{"shifted.csv", "header.csv"} {
				delete(files, open)
			}
		}
		desk(t, files)
		if err := os.WriteFile("secrets.json", []byte(pool), 0o600); err != nil {
			t.Fatal(err)
		}
		for name := range files {
			if filepath.Ext(name) != ".csv" {
				continue
			}
			for _, args := range [][]string{{}, {"--json"}, {"--ignore-columns", "*"}} {
				_, stdout, stderr := userdrop(append([]string{"check", name, "--pool", "secrets.json"}, args...)...)
				if strings.Contains(stdout+stderr, secret) {
					t.Errorf("%s %q shows %s:\n%s", name, args, secret, stdout+stderr)
				}
			}
		}
	}
}

// FuzzCheckTerminal checks any file: nothing that a terminal would obey comes out, and no cell of a column that the
// pool does not have, or that is for hashes.
func FuzzCheckTerminal(f *testing.F) {
	for _, seed := range []string{
		"username,email,email_verified\nu,\x1b[31m,maybe\n", "sep=;\nusername;e\u202email\n\"\x07\";" +
			"x\n", "\x9b\n", "\u200b,\x1b\n1,2\n",
	} {
		f.Add(seed, "plain")
	}
	dir := f.TempDir()
	pool, file := filepath.Join(dir, "pool.json"), filepath.Join(dir, "users.csv")
	if err := os.WriteFile(pool, []byte(testPool), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text, cell string) {
		const secret = "Zq7-Wv-Secret"
		quoted := `"` + strings.ReplaceAll(secret+cell, `"`, `""`) + `"`
		hidden := "username,email,email_verified,password_hash,office\n" + text + "," + quoted + "," +
			"true," + quoted + "," + quoted + "\n"
		hidden = strings.Replace(hidden, ","+quoted+",true", ",no address,true", 1)
		for _, source := range []string{text, "username,email,email_verified\n" + text, hidden} {
			if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
				t.Fatal(err)
			}
			_, stdout, stderr := userdrop("check", file, "--pool", pool, "--ignore-columns", "office")
			if at := controls(stdout + stderr); at != "" {
				t.Errorf("%q: a control character in %q", source, at)
			}
			if strings.Contains(stdout+stderr, secret) {
				t.Errorf("%q: a hash or an unknown cell is shown: %s", source, stdout)
			}
		}
	})
}
