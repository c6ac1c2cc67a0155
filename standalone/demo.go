package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"guiling/internal/app"
	"guiling/internal/casework"
	"guiling/internal/commands"
	"guiling/internal/store"
	"guiling/web"
)

// The cast of the demo, by user name.
const (
	demoHandler    = "zhanhe.ziran.chen"
	demoSupervisor = "zhanhe.jiandu.lin"
	demoChecker    = "zhanhe.jiandu.su"
)

const (
	demoDay = 24 * time.Hour
	// demoPatience is how long the engine may take for what a case does by itself.
	demoPatience = 30 * time.Second
)

// demoReview is the file that the demo takes in; %s is a number of its own.
const demoReview = `projectNo,assessNumber,areaCode,deptName,taskCode,taskName,proManager,pf,userName,certkeyGOV,mobile,userProp,satisfaction,evalDetail,writingEvaluation,acceptDate,assessTime
DEMO-%s,1,410411000000,湛河区自然资源局,410100101001,不动产转移登记,窗口03,3,赵某甲,990000198001010011,12000000001,1,2,"213,208",跑了四趟还没办成,2026-11-01 09:00:00,2026-11-02 10:00:00
`

// story is one case being lived.
type story struct {
	store     *store.Store
	service   *commands.Service
	training  commands.Training
	narrators []web.Narrator
	people    map[string]store.User
	say       progress
	number    string
	told      int // events printed so far
}

// liveOneCase lives a whole case by fast-forward and prints what happens when:
// a review, an extension, a missed deadline, escalation, an unsatisfied citizen,
// a second rectification, and a spot check.
func liveOneCase(ctx context.Context, settings app.Settings, say progress, log *slog.Logger) (err error) {
	worker := startTask(ctx, func(ctx context.Context) error { return app.RunWorker(ctx, settings, log) })
	defer closing(&err, worker.stop)
	st, err := app.OpenStore(ctx, settings)
	if err != nil {
		return err
	}
	defer closing(&err, st.Close)
	eng, err := app.OpenEngine(settings, "demo", log)
	if err != nil {
		return err
	}
	defer eng.Close()
	policy, _, err := app.OpenPolicy(ctx, st)
	if err != nil {
		return err
	}
	service, err := app.OpenCommands(settings, st, eng, policy, log)
	if err != nil {
		return err
	}
	narrators, err := web.NewNarrators()
	if err != nil {
		return err
	}
	s := &story{
		store: st, service: service, narrators: narrators, people: map[string]store.User{}, say: say,
		training: commands.Training{Store: st, Machine: eng, Namespace: settings.TemporalNamespace, Now: app.SystemClock},
	}
	for _, name := range []string{demoHandler, demoSupervisor, demoChecker} {
		if s.people[name], err = st.UserByName(ctx, name); err != nil {
			return err
		}
	}
	if err := s.open(ctx); err != nil {
		return err
	}
	return s.live(ctx)
}

// open takes the review in and waits for its case.
func (s *story) open(ctx context.Context) error {
	record := rand.Text()[:10]
	im := app.OpenImporter(s.store)
	if _, err := im.ImportReviews(ctx, "platform", "demo.csv", strings.NewReader(fmt.Sprintf(demoReview, record))); err != nil {
		return err
	}
	var err error
	if s.number, err = s.store.CaseNumberOf(ctx, "DEMO-"+record); err != nil {
		return err
	}
	s.say.linef("案件", "Case %s", s.number)
	return s.await(ctx, casework.StageVerification)
}

func (s *story) live(ctx context.Context) error {
	rectified := casework.SubmitRectification{Done: "统一了收件标准，修改了办事指南", Cause: casework.CauseGuide, GuideChanged: true}
	fedBack := casework.SendFeedback{Channel: casework.FeedbackSMS, Words: "收件标准已统一，给您添麻烦了"}
	opening := casework.DateOf(app.SystemClock())
	for _, step := range []func() error{
		s.does(ctx, demoHandler, casework.RecordCallback{Reached: true, Words: "窗口每次要的材料都不一样"}),
		s.does(ctx, demoHandler, casework.Verify{Outcome: casework.OutcomeComplex, Findings: "窗口与办事指南要求不一致，属实"}),
		s.passes(ctx, 10*demoDay),
		s.does(ctx, demoHandler, casework.RequestExtension{Until: opening.AddDays(20), Reason: "需省级系统改造"}),
		s.does(ctx, demoSupervisor, casework.DecideExtension{Grant: true, Reason: "同意"}),
		s.passes(ctx, 14*demoDay),
		s.does(ctx, demoHandler, rectified),
		s.does(ctx, demoHandler, fedBack),
		s.passes(ctx, 2*demoDay),
		s.does(ctx, demoHandler, casework.RecordAnswer{Answer: casework.AnswerUnsatisfied, Words: "窗口还是要旧材料"}),
		s.passes(ctx, 3*demoDay),
		s.does(ctx, demoHandler, rectified),
		s.does(ctx, demoHandler, fedBack),
		s.passes(ctx, 6*demoDay),
		func() error { return s.await(ctx, casework.StageSpotCheck) },
		s.does(ctx, demoChecker, casework.RecordSpotCheck{Method: casework.MethodPhone, Passed: true, Findings: "电话回访，已整改"}),
		func() error { return s.await(ctx, casework.StageArchived) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) does(ctx context.Context, who string, command casework.Command) func() error {
	return func() error {
		_, err := s.service.Act(ctx, s.people[who].Actor, commands.Request{Number: s.number, Command: command})
		if err != nil {
			return fmt.Errorf("%s: %w", command.Action(), err)
		}
		return s.tell(ctx)
	}
}

func (s *story) passes(ctx context.Context, d time.Duration) func() error {
	return func() error {
		days := int(d / demoDay)
		s.say.linef(fmt.Sprintf("—— 快进 %d 天", days), "fast-forward by %d days ——", days)
		if _, err := s.training.FastForward(ctx, s.number, d); err != nil {
			return err
		}
		return s.tell(ctx)
	}
}

// await waits for what the case does by itself.
func (s *story) await(ctx context.Context, stage casework.Stage) error {
	ctx, cancel := context.WithTimeout(ctx, demoPatience)
	defer cancel()
	for {
		c, err := s.store.CaseByNumber(ctx, s.number)
		if err != nil {
			return err
		}
		if c.Stage == stage {
			return s.tell(ctx)
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("the case did not come to stage %s, it is at %s", stage, c.Stage), ctx.Err())
		case <-time.After(readyEvery):
		}
	}
}

// tell prints the events that were not told yet, in both languages.
func (s *story) tell(ctx context.Context) error {
	events, err := s.store.EventsOf(ctx, s.number)
	if err != nil {
		return err
	}
	headlines := make([][]string, 0, len(s.narrators))
	for _, n := range s.narrators {
		headlines = append(headlines, n.Tell(events))
	}
	for i, e := range events[s.told:] {
		who := e.UserName
		if e.By.System() {
			who = "系统 the clock"
		}
		fmt.Fprintf(s.say.out, "%s  %s  %s  %s\n", e.At.In(casework.China()).Format("2006-01-02 15:04"), who, e.Article, headlines[0][s.told+i])
		for _, other := range headlines[1:] {
			fmt.Fprintf(s.say.out, "                  %s\n", other[s.told+i])
		}
	}
	s.told = len(events)
	return nil
}
