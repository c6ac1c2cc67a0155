// Package casework is the domain of Guiling: what a case is, what may happen
// to it at each stage, and by when. It uses the standard library only, does no
// I/O and reads no clock, so that the workflow, the database projection, the
// web pages and the auditor's replay all reach the same answer from the same
// events.
//
// The text behind the rules is 河南省政务服务“好差评”工作制度（试行）, cited by
// article (第九条) where a rule implements it.
package casework
