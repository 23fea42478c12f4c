package simulation

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognitoidp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"userdrop/internal/contract"
	"userdrop/localaws/cognito"
)

// groupNames are the groups that each pool has. Drops also want nowhere, which it does not have.
var groupNames = []string{"staff", "crew", "guests"}

const nowhere = "nowhere"

// ApplyRate is the parameter ApplyRate.
const ApplyRate = 12

// changeColumns adds the columns groups and enabled to a third of the drops.
func (s *Scenario) changeColumns(drop *Drop) {
	d := draw{rand.New(rand.NewPCG(s.Seed, 0xc4a9_0000+uint64(len(s.Drops))))}
	if !d.chance(1.0 / 3) {
		return
	}
	s.changes = true
	lines := bytes.SplitAfter(drop.Text, []byte("\n"))
	var text bytes.Buffer
	text.Write(bytes.TrimSuffix(lines[0], []byte("\n")))
	text.WriteString(",groups,enabled\n")
	for i := range drop.Rows {
		row := &drop.Rows[i]
		for _, name := range groupNames {
			if d.chance(0.3) {
				row.Groups = append(row.Groups, name)
			}
		}
		row.Enabled = []string{"", "", "no", "yes"}[d.IntN(4)]
		cell := strings.Join(row.Groups, []string{";", "|", " ; "}[d.IntN(3)])
		if row.Kind == Fresh && d.chance(0.02) {
			if cell += ";" + nowhere; s.creates {
				row.Groups = append(row.Groups, nowhere)
			} else {
				row.Kind = Bad
			}
		}
		text.Write(bytes.TrimSuffix(lines[i+1], []byte("\n")))
		fmt.Fprintf(&text, ",%s,%s\n", cell, row.Enabled)
	}
	drop.Text = text.Bytes()
}

// createGroups creates the groups of a pool, and disables some of its users.
func (r *run) createGroups(ctx context.Context, p *Pool) {
	for _, name := range groupNames {
		_, err := r.admin.CreateGroup(ctx, &cognitoidp.CreateGroupInput{UserPoolId: &p.ID, GroupName: aws.String(name)})
		if err != nil {
			r.violation("create group: %v", err)
		}
	}
	for i, name := range p.Existing {
		if i%4 != 0 {
			continue
		}
		_, err := r.admin.AdminDisableUser(ctx, &cognitoidp.AdminDisableUserInput{UserPoolId: &p.ID, Username: &name})
		if err != nil {
			r.violation("disable user: %v", err)
		}
	}
}

// checkChanges compares groups, states and names with what the rows want whose results say that they made it.
func (r *run) checkChanges() {
	if !r.changes && !r.updates {
		return
	}
	for _, p := range r.Pools {
		if p.deleted {
			continue
		}
		wants := map[string][]wanted{}
		for i, drop := range r.Drops {
			if drop.Pool == p && !drop.check {
				r.want(i, drop, wants)
			}
		}
		for _, u := range r.Cognito.Users(p.ID) {
			r.checkUser(p, u, wants[u.Name])
		}
	}
	if w := r.chaos.quotas["changes"]; w != nil && w.most > ApplyRate*60+1 {
		r.violation("%d changes in a minute", w.most)
	}
}

// wanted is what a row wants, and whether it is sure to have it.
type wanted struct {
	Row
	sure bool
}

// want notes what the rows of a drop want.
func (r *run) want(i int, drop *Drop, wants map[string][]wanted) {
	results := r.of(drop)
	codes, known := map[int]string{}, false
	if len(results) == 1 && len(results[0].Sources) == 1 && results[0].Rows.Read > 0 && !drop.vanished {
		known = true
		if url := results[0].Files.Failed; url != "" {
			bucket, key, _ := strings.Cut(strings.TrimPrefix(url, "s3://"), "/")
			text, err := r.S3.Get(bucket, key)
			if err == nil {
				codes, err = failedRows(text)
			}
			if err != nil {
				r.violation("drop %d: failed.csv: %v", i, err)
			}
		}
	}
	for _, row := range drop.Rows {
		wants[row.Username] = append(wants[row.Username], wanted{row, known && codes[row.Line] == "" && row.Kind != Bad})
		if codes[row.Line] == contract.ChangeFailed.String() && !r.mayBreak() {
			r.violation("drop %d line %d: a change failed", i, row.Line)
		}
	}
}

// checkUser compares one user with all that rows want of that user.
func (r *run) checkUser(p *Pool, u cognito.User, rows []wanted) {
	for _, row := range rows {
		for _, group := range row.Groups {
			if row.sure && !slices.Contains(u.Groups, group) {
				r.violation("%s: a user of line %d lacks the group %s", p.ID, row.Line, group)
			}
		}
	}
	for _, group := range u.Groups {
		if !slices.ContainsFunc(rows, func(row wanted) bool { return slices.Contains(row.Groups, group) }) {
			r.violation("%s: a user is in the group %s, which no row wants", p.ID, group)
		}
	}
	if len(rows) != 1 || !rows[0].sure {
		return
	}
	// The name of the row, as drop writes it.
	if name := fmt.Sprintf("%s, %d", Marker, rows[0].Line-2); r.updates && u.Attributes["name"] != name {
		r.violation("%s: the user of line %d has another name than the row", p.ID, rows[0].Line)
	}
	if rows[0].Enabled != "" && u.Enabled != (rows[0].Enabled == "yes") {
		r.violation("%s: the user of line %d is enabled: %t, and the row says %s", p.ID, rows[0].Line, u.Enabled, rows[0].Enabled)
	}
}
