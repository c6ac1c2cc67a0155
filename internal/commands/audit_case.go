package commands

import (
	"context"

	"guiling/internal/casework"
	"guiling/internal/store"
)

// CaseAudit is a case as auditors see it: all that was done, and who looked at it.
type CaseAudit struct {
	CaseView

	Reveals []store.RecordedReveal // newest first
	Exports []store.RecordedExport // of this case alone, newest first
	// Cut says that there are more looks or exports than are listed here.
	Cut bool
}

// AuditCase reads a case with every event and its rule, every look at its
// reviewer, every repair and every export, for who may read all of these.
func (s *Service) AuditCase(ctx context.Context, actor casework.Actor, number string) (CaseAudit, error) {
	c, err := s.load(ctx, actor, number)
	if err != nil {
		return CaseAudit{}, err
	}
	for _, action := range []casework.Action{casework.ActionReadHistory, casework.ActionListReveals} {
		if _, err := s.authorize(ctx, actor, action, c.object); err != nil {
			return CaseAudit{}, err
		}
	}
	var audit CaseAudit
	if audit.CaseView, err = s.ViewCase(ctx, actor, number); err != nil {
		return CaseAudit{}, err
	}
	audit.Reveals, err = s.store.Reveals(ctx, scopeOf(actor), store.RevealFilter{Number: number, Limit: MaxPage})
	if err != nil {
		return CaseAudit{}, err
	}
	audit.Exports, err = s.store.Exports(ctx, scopeOf(actor), store.ExportFilter{Number: number, Limit: MaxPage})
	audit.Cut = len(audit.Reveals) == MaxPage || len(audit.Exports) == MaxPage
	return audit, err
}

// ExportCase is AuditCase for taking the case out as a file, which is recorded
// before it is given away.
func (s *Service) ExportCase(ctx context.Context, actor casework.Actor, number string) (CaseAudit, error) {
	audit, err := s.AuditCase(ctx, actor, number)
	if err != nil {
		return CaseAudit{}, err
	}
	c, err := s.load(ctx, actor, number)
	if err != nil {
		return CaseAudit{}, err
	}
	decision, err := s.authorize(ctx, actor, casework.ActionExport, c.object)
	if err != nil {
		return CaseAudit{}, err
	}
	err = s.store.RecordExport(ctx, store.Export{
		By: s.by(actor, decision), What: store.ExportCase, Format: "zip", Scope: scopeOf(actor), Number: number, Rows: len(audit.Events), At: s.now(),
	})
	return audit, err
}
