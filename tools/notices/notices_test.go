package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNotices writes modules with each kind of licence, and refuses those that are unknown, missing or not allowed.
func TestNotices(t *testing.T) {
	const mit = "Permission is hereby granted, free of charge, to any person"
	tests := []struct {
		name  string
		files map[string]string
		want  string // part of the notices, or of the error
		fails bool
	}{
		{"MIT", map[string]string{"LICENSE": mit}, "module\n\n" + mit, false},
		{"lines", map[string]string{"LICENCE.md": "Apache License\r\n Version 2.0"}, "License\n Version 2.0", false},
		{"a notice", map[string]string{"License.txt": mit, "NOTICE.txt": "Made by somebody"}, "Made by somebody", false},
		{"not allowed", map[string]string{"COPYING": "GNU GENERAL PUBLIC LICENSE"}, "COPYING is unknown", true},
		{"two, one not allowed", map[string]string{"LICENSE": mit, "COPYING": "GNU"}, "COPYING is unknown", true},
		{"none", map[string]string{"README": mit, "NOTICE": "Made by somebody"}, "module has no licence", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range tt.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			text, err := notices(map[string][]string{"module": {dir}})
			if err != nil {
				text = err.Error()
			}
			if (err != nil) != tt.fails || !strings.Contains(text, tt.want) {
				t.Errorf("fails: %t, want %t; %q lacks %q", err != nil, tt.fails, text, tt.want)
			}
		})
	}
}
