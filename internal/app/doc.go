// Package app puts the parts together: settings, and the processes that the
// product can run as.
package app
