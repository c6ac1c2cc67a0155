package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLicences(t *testing.T) {
	t.Parallel()
	product, err := modulesOf(t.Context(), "../..", "./cmd/guiling")
	require.NoError(t, err)
	require.NotEmpty(t, product)
	standalone, err := modulesOf(t.Context(), "../../standalone", ".")
	require.NoError(t, err)
	require.NotEmpty(t, standalone)

	require.Empty(t, refusedOf(product))
	require.Empty(t, refusedOf(standalone))

	written, err := os.ReadFile("../../docs/dependencies.md")
	require.NoError(t, err)
	require.Equal(t, document(product, standalone), string(written), "run make licences")
}

func TestRecognize(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text, licence string
		verdict       verdict
	}{
		{"GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007", "GPL", refused},
		{"GNU AFFERO GENERAL PUBLIC LICENSE\n Version 3 … GNU General Public License", "AGPL-3.0", refused},
		{"GNU LESSER GENERAL PUBLIC LICENSE\nVersion 2.1", "LGPL", refused},
		{"Server Side Public License\nVERSION 1", "SSPL-1.0", refused},
		{"Business Source License 1.1", "BUSL-1.1", refused},
		{"All rights reserved.", "", refused},
		{"Mozilla Public License Version 2.0 … GNU General Public License", "MPL-2.0", fileOnly},
		{"Apache License\n   Version 2.0, January 2004", "Apache-2.0", allowed},
	}
	for _, test := range tests {
		require.Equal(t, test.licence, recognize(test.text), test.text)
		require.Equal(t, test.verdict, judge(test.licence), test.text)
	}
	require.Equal(t, fileOnly, judge("MIT and MPL-2.0"))
	require.Equal(t, refused, judge("GPL and MIT"))
}
