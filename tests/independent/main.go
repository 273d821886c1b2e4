// Checks checkpoints and proofs of the audit trail by implementations that are not ours.
//
// Reads one document of claims on standard input, and answers each of them on standard output: with what
// it found, or with an error. tests/faults/test_independent_check.py runs it.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	cosignature "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

type claims struct {
	Key           string
	Notes         [][]byte
	Values        [][]byte
	Inclusions    []inclusion
	Consistencies []consistency
}

type inclusion struct {
	Value       []byte
	Index, Size uint64
	Root        []byte
	Proof       [][]byte
}

type consistency struct {
	OldSize, NewSize uint64
	OldRoot, NewRoot []byte
	Proof            [][]byte
}

type answers struct {
	Notes         []opened `json:"notes"`
	Root          []byte   `json:"root"`
	Inclusions    []string `json:"inclusions"`
	Consistencies []string `json:"consistencies"`
}

// What two signatures of one checkpoint say, or why they do not hold.
type opened struct {
	Error    string `json:"error"`
	Origin   string `json:"origin"`
	Size     uint64 `json:"size"`
	Root     []byte `json:"root"`
	SignedAt int64  `json:"signedAt"`
}

func main() {
	var asked claims
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		fail(err)
	}
	plain, err := note.NewVerifier(asked.Key)
	if err != nil {
		fail(err)
	}
	timed, err := cosignature.NewVerifierForCosignatureV1(asked.Key)
	if err != nil {
		fail(err)
	}
	found := answers{Root: rootOf(asked.Values)}
	for _, each := range asked.Notes {
		found.Notes = append(found.Notes, open(each, plain, timed))
	}
	for _, each := range asked.Inclusions {
		leaf := rfc6962.DefaultHasher.HashLeaf(each.Value)
		found.Inclusions = append(found.Inclusions, told(proof.VerifyInclusion(
			rfc6962.DefaultHasher, each.Index, each.Size, leaf, each.Proof, each.Root)))
	}
	for _, each := range asked.Consistencies {
		found.Consistencies = append(found.Consistencies, told(proof.VerifyConsistency(
			rfc6962.DefaultHasher, each.OldSize, each.NewSize, each.Proof, each.OldRoot, each.NewRoot)))
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		fail(err)
	}
}

// Both signatures have to be there and hold: note.Open alone is content with one.
func open(message []byte, plain, timed note.Verifier) opened {
	held, err := note.Open(message, note.VerifierList(plain, timed))
	if err != nil {
		return opened{Error: err.Error()}
	}
	var found opened
	for _, each := range held.Sigs {
		if each.Hash == timed.KeyHash() {
			at, err := cosignature.CoSigV1Timestamp(each)
			if err != nil {
				return opened{Error: err.Error()}
			}
			found.SignedAt = at.Unix()
		}
	}
	if len(held.Sigs) != 2 || found.SignedAt == 0 {
		return opened{Error: fmt.Sprintf("%d signatures of the two hold", len(held.Sigs))}
	}
	lines := strings.Split(held.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return opened{Error: "not three lines"}
	}
	size, sizeErr := strconv.ParseUint(lines[1], 10, 64)
	root, rootErr := base64.StdEncoding.DecodeString(lines[2])
	if sizeErr != nil || rootErr != nil {
		return opened{Error: "no size or no root"}
	}
	found.Origin, found.Size, found.Root = lines[0], size, root
	return found
}

func rootOf(values [][]byte) []byte {
	factory := compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	tree := factory.NewEmptyRange(0)
	for _, each := range values {
		if err := tree.Append(rfc6962.DefaultHasher.HashLeaf(each), nil); err != nil {
			fail(err)
		}
	}
	root, err := tree.GetRootHash(nil)
	if err != nil {
		fail(err)
	}
	if len(values) == 0 {
		return bytes.Clone(rfc6962.DefaultHasher.EmptyRoot())
	}
	return root
}

func told(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
