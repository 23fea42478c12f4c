package phonenumber_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nyaruka/phonenumbers"
	"go.yaml.in/yaml/v3"

	"userdrop"
	"userdrop/internal/phonenumber"
)

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
	want := append([]string{""}, phonenumber.Countries()...)
	if diff := cmp.Diff(want, template.Parameters.DefaultPhoneCountry.AllowedValues); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// reference decides about a number in E.164 by the library alone.
func reference(number string) bool {
	n, err := phonenumbers.Parse(number, "ZZ")
	return err == nil && len(number) <= 16 && phonenumbers.Format(n, phonenumbers.E164) == number &&
		phonenumbers.IsPossibleNumberWithReason(n) == phonenumbers.IS_POSSIBLE
}

// examples are the example numbers of all kinds of all countries, in E.164.
func examples() []string {
	var all []string
	add := func(n *phonenumbers.PhoneNumber) {
		if n != nil {
			all = append(all, phonenumbers.Format(n, phonenumbers.E164))
		}
	}
	for country := range phonenumbers.GetSupportedRegions() {
		for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.VOICEMAIL; kind++ {
			add(phonenumbers.GetExampleNumberForType(country, kind))
		}
	}
	for code := range phonenumbers.GetSupportedGlobalNetworkCallingCodes() {
		add(phonenumbers.GetExampleNumberForNonGeoEntity(code))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Numbers in E.164 are decided about by tables made of the library's. They agree with the library on all example
// numbers, with digits more, less and changed, and with any digit behind the country code.
func TestInternationalAgreesWithLibrary(t *testing.T) {
	numbers := phonenumber.New()
	random := rand.New(rand.NewPCG(1, 2))
	tried := 0
	try := func(number string) {
		tried++
		if got, want := numbers.International([]byte(number)), reference(number); got != want {
			t.Errorf("%s: got %t, the library says %t", number, got, want)
		}
	}
	for _, number := range examples() {
		parsed, err := phonenumbers.Parse(number, "ZZ")
		if err != nil {
			t.Fatal(err)
		}
		code := "+" + strconv.Itoa(int(parsed.GetCountryCode()))
		national := strings.TrimPrefix(number, code)
		try(number)
		try(number + "1")
		try(number[:len(number)-1])
		for digit := range 10 {
			try(code + strconv.Itoa(digit) + national)
			try(code + strconv.Itoa(digit) + national[1:])
		}
		changed := []byte(number)
		changed[len(code)+random.IntN(len(national))] = byte('0' + random.IntN(10))
		try(string(changed))
	}
	for code := range 1000 {
		try("+" + strconv.Itoa(code))
		try("+" + strconv.Itoa(code) + "2123456")
	}
	if tried < 20_000 {
		t.Errorf("only %d numbers were tried", tried)
	}
}

func FuzzInternational(f *testing.F) {
	f.Add(uint64(493012345), uint8(2))
	f.Add(uint64(549111512345678), uint8(0))
	f.Fuzz(func(t *testing.T, digits uint64, zeros uint8) {
		number := "+" + strconv.FormatUint(digits, 10)
		at := min(1+int(zeros%5), len(number))
		number = number[:at] + strings.Repeat("0", int(zeros/5%3)) + number[at:]
		if number[1] == '0' {
			return // not E.164; the rules never ask
		}
		if got, want := phonenumber.New().International([]byte(number)), reference(number); got != want {
			t.Errorf("%s: got %t, the library says %t", number, got, want)
		}
	})
}

func TestNational(t *testing.T) {
	for _, test := range []struct{ name, country, digits, want string }{
		{"trunk prefix", "DE", "030901820", "+4930901820"},
		{"no trunk prefix", "US", "2015550123", "+12015550123"},
		{"trunk prefix equal to the calling code", "US", "12015550123", "+12015550123"},
		{"a zero that stays", "IT", "0212345678", "+390212345678"},
		{"trunk 8", "RU", "84951234567", "+74951234567"},
		{"calling code without a plus, Russia", "RU", "79161234567", "+79161234567"},
		{"trunk 06", "HU", "0612345678", "+3612345678"},
		{"trunk 06, mobile", "HU", "06201234567", "+36201234567"},
		{"without the trunk 06", "HU", "12345678", "+3612345678"},
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
			got, ok := phonenumber.New().National(test.digits, test.country)
			if got = map[bool]string{true: got}[ok]; got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestOptionalZero(t *testing.T) {
	for _, test := range []struct{ name, code, rest, want string }{
		{"Germany", "+49", "3023125123", "+493023125123"},
		{"United Kingdom", "+44", "2079460018", "+442079460018"},
		{"Italy keeps the zero of a fixed line", "+39", "655501234", "+390655501234"},
		{"Italy, valid with the zero and without it", "+39", "3123456789", "+3903123456789"},
		{"San Marino", "+378", "549550123", "+3780549550123"},
		{"Ivory Coast keeps it", "+225", "123456789", "+2250123456789"},
		{"no trunk prefix at all", "+1", "4325551212", "+14325551212"},
		{"France", "+33", "123456789", "+33123456789"},
		{"Netherlands", "+31", "201234567", "+31201234567"},
		{"no such country", "+999", "123456", ""},
		{"too short", "+49", "1", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := phonenumber.New().OptionalZero(test.code, test.rest)
			if got = map[bool]string{true: got}[ok]; got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func BenchmarkInternational(b *testing.B) {
	numbers, number := phonenumber.New(), []byte("+12065550123")
	for b.Loop() {
		numbers.International(number)
	}
}

func BenchmarkNational(b *testing.B) {
	for b.Loop() {
		phonenumber.New().National("030901820", "DE")
	}
}
