package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

func ask(t *testing.T, password, method, path, given string) (int, string) {
	t.Helper()
	well, err := open(filepath.Join(t.TempDir(), "wishes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer well.close()
	request := httptest.NewRequest(method, path, nil)
	request.SetBasicAuth("keeper", given)
	recorder := httptest.NewRecorder()
	routes(well, newOffice(""), password).ServeHTTP(recorder, request)
	return recorder.Code, recorder.Body.String()
}

func TestTheWellAnswers(t *testing.T) {
	code, body := ask(t, "", http.MethodGet, "/", "")
	if code != http.StatusOK || !strings.Contains(body, `"wishes":0`) {
		t.Errorf("GET / answers %d, %s", code, body)
	}
	code, body = ask(t, "", http.MethodPost, "/wishes?wish=rain", "")
	if code != http.StatusCreated || !strings.Contains(body, "heard") {
		t.Errorf("POST /wishes answers %d, %s", code, body)
	}
}

func TestOnlyTheKeeperReads(t *testing.T) {
	for _, c := range []struct {
		password, given string
		want            int
	}{
		{"deep", "deep", http.StatusOK},
		{"deep", "shallow", http.StatusUnauthorized},
		{"", "", http.StatusUnauthorized},
	} {
		if code, _ := ask(t, c.password, http.MethodGet, "/wishes", c.given); code != c.want {
			t.Errorf("with %q for %q it answers %d", c.given, c.password, code)
		}
	}
}
