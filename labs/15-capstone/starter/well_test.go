package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWishesOutliveTheWell(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wishes.txt")
	first, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, wish := range []string{"a pony", "  two   ponies\n"} {
		if err := first.throw(wish); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.close(); err != nil {
		t.Fatal(err)
	}

	second, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer second.close()
	if got := second.all(); !slices.Equal(got, []string{"a pony", "two ponies"}) {
		t.Errorf("after closing and opening there are %q", got)
	}
}

func TestAWishHasALength(t *testing.T) {
	well, err := open(filepath.Join(t.TempDir(), "wishes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer well.close()
	for _, wish := range []string{"", " \n ", strings.Repeat("more ", 100)} {
		if well.throw(wish) == nil {
			t.Errorf("%.10q was taken for a wish", wish)
		}
	}
	if well.count() != 0 {
		t.Errorf("there are %d wishes in the well", well.count())
	}
}
