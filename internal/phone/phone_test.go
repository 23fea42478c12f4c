package phone_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nyaruka/phonenumbers"
	"go.yaml.in/yaml/v3"

	"userdrop"
	"userdrop/internal/phone"
)

// reference is libphonenumber's E.164 of a national number, or nothing where its length is wrong.
func reference(digits, country string) string {
	n, err := phonenumbers.Parse(digits, country)
	if err != nil || int(n.GetCountryCode()) != phonenumbers.GetCountryCodeForRegion(country) ||
		phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
		return ""
	}
	return phonenumbers.Format(n, phonenumbers.E164)
}

func countries() []string {
	var all []string
	for country := range phonenumbers.GetSupportedRegions() {
		if country != "001" { // of no country
			all = append(all, country)
		}
	}
	slices.Sort(all)
	return all
}

// The stack takes the countries that are known, and no others: an import would find out too late.
func TestParameter(t *testing.T) {
	text, err := userdrop.Deployed.ReadFile("template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Parameters struct {
			DefaultPhoneCountry struct {
				AllowedValues []string `yaml:"AllowedValues"`
			} `yaml:"DefaultPhoneCountry"`
		} `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	want := append([]string{""}, countries()...)
	if diff := cmp.Diff(want, template.Parameters.DefaultPhoneCountry.AllowedValues); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestE164(t *testing.T) {
	for _, test := range []struct{ name, country, digits, want string }{
		{"trunk prefix", "DE", "030901820", "+4930901820"},
		{"no trunk prefix", "US", "2015550123", "+12015550123"},
		{"trunk prefix equal to the calling code", "US", "12015550123", "+12015550123"},
		{"a zero that stays", "IT", "0212345678", "+390212345678"},
		{"transformed", "AG", "4641234", "+12684641234"},
		{"transformed within", "AR", "01187654321", "+541187654321"},
		{"calling code without a plus", "NO", "4740612345", "+4740612345"},
		{"from abroad", "US", "01112015550123", "+12015550123"},
		{"from abroad, another country", "US", "0114930901820", ""},
		{"without the area code", "US", "5550123", ""},
		{"too short", "DE", "1", ""},
		{"too long", "US", "20155501234", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			country, ok := phone.Lookup(test.country)
			if !ok {
				t.Fatal("no such country")
			}
			got, ok := country.E164(test.digits)
			if got != test.want || ok != (test.want != "") {
				t.Errorf("got %q, %t; want %q", got, ok, test.want)
			}
		})
	}
}

func TestLookup(t *testing.T) {
	for _, country := range countries() {
		if _, ok := phone.Lookup(country); !ok {
			t.Error("no", country)
		}
	}
	for _, no := range []string{"", "001", "ZZ", "de", "DEU"} {
		if _, ok := phone.Lookup(no); ok {
			t.Errorf("%q is a country", no)
		}
	}
}

// Every country's numbers, as they are and as people misdial them, come out as libphonenumber has them.
func TestLibphonenumber(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	all := countries()
	possible := 0
	for _, iso := range all {
		country, ok := phone.Lookup(iso)
		if !ok {
			t.Fatal("no", iso)
		}
		for _, number := range numbers(rnd, iso, all[rnd.IntN(len(all))]) {
			got, _ := country.E164(number)
			if want := reference(number, iso); got != want {
				t.Errorf("%s in %s is %q; libphonenumber has %q", number, iso, got, want)
			}
			if got != "" {
				possible++
			}
		}
	}
	if least := len(all) * 20; possible < least {
		t.Errorf("only %d numbers were possible, less than %d", possible, least)
	}
}

// numbers are what may be dialed in a country, possible or not.
func numbers(rnd *rand.Rand, country, other string) []string {
	var nationals []string
	for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.VOICEMAIL; kind++ {
		for _, of := range []string{country, other} {
			if n := phonenumbers.GetExampleNumberForType(of, kind); n != nil {
				nationals = append(nationals, phonenumbers.GetNationalSignificantNumber(n))
			}
		}
	}
	for range 10 {
		nationals = append(nationals, random(rnd, 1+rnd.IntN(18)))
	}
	code := strconv.Itoa(phonenumbers.GetCountryCodeForRegion(country))
	prefixes := []string{
		"", "0", "1", "8", "9", "00", "011", "0011", code, "0" + code, "00" + code, "011" + code,
		"810" + code, "0015" + code, phonenumbers.GetNddPrefixForRegion(country, true), random(rnd, 2), random(rnd, 4),
	}
	var all []string
	for _, n := range nationals {
		for range 4 {
			all = append(all, prefixes[rnd.IntN(len(prefixes))]+n)
		}
		all = append(all, n, n[1:], n+random(rnd, 1))
	}
	return slices.DeleteFunc(all, func(n string) bool { return n == "" })
}

func random(rnd *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte('0' + byte(rnd.IntN(10)))
	}
	return b.String()
}

func FuzzE164(f *testing.F) {
	f.Add("030901820", uint8(0))
	f.Add("4740612345", uint8(7))
	all := countries()
	f.Fuzz(func(t *testing.T, digits string, i uint8) {
		if strings.Trim(digits, "0123456789") != "" {
			return
		}
		iso := all[int(i)%len(all)]
		country, _ := phone.Lookup(iso)
		got, _ := country.E164(digits)
		if want := reference(digits, iso); got != want {
			t.Errorf("%s in %s is %q; libphonenumber has %q", digits, iso, got, want)
		}
	})
}

func TestGenerated(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plans.go")
	if out, err := exec.Command("go", "run", "./generate", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("plans.go")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error("run go generate ./internal/phone:", diff)
	}
}
