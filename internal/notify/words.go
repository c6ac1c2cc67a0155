package notify

import (
	"fmt"
	"strings"
	"time"

	"guiling/internal/casework"
)

// Item is one thing that staff are told: the number of a case and what lists show
// of it, nothing of the citizen.
type Item struct {
	Key    string
	Kind   casework.NoticeKind
	Days   int // left, of a warning
	Number string
	Matter string
	Stage  casework.Stage
	Due    *time.Time // nil: no clock runs
	At     time.Time  // when it was told
}

// tongue is the words of one language, as mails and channels use them.
type tongue struct {
	notices map[casework.NoticeKind]string // %d takes the days left
	stages  map[casework.Stage]string

	subject, matter, stage, due, noDue, link, foot string
	digest, overdue, today, fresh, more            string
	confirm, code                                  string
	// oneDay is the warning of the day before, where it is not said like the others.
	oneDay string
}

var chinese = tongue{
	notices: map[casework.NoticeKind]string{
		casework.NoticeNewCase:            "收到新的差评，尚无人领取",
		casework.NoticeAssigned:           "案件已分派给您",
		casework.NoticeTransferred:        "案件已移交到您的部门，尚无人领取",
		casework.NoticeTakenOver:          "案件已由上级机构接管",
		casework.NoticeReopened:           "案件重新办理",
		casework.NoticeMerged:             "案件已并入同一办件的另一案件",
		casework.NoticeLinked:             "同一办件的另一案件已并入本案",
		casework.NoticeWithdrawn:          "案件已撤回",
		casework.NoticeWarning:            "到期前 %d 天提醒",
		casework.NoticeLastDay:            "到期提醒：最后一天",
		casework.NoticeOverdue:            "案件已超期",
		casework.NoticeReminded:           "收到催办，请尽快办理",
		casework.NoticeEscalated:          "案件已列入督办",
		casework.NoticePaused:             "案件已暂停计时",
		casework.NoticeResumed:            "案件已恢复计时",
		casework.NoticeDeadlineMoved:      "节假日安排变化，到期日有调整",
		casework.NoticeExtensionRequested: "收到延期申请，请决定",
		casework.NoticeInvalidProposed:    "收到无效认定的提议，请决定",
		casework.NoticeUnsatisfied:        "评价人再次表示不满意，请决定是否重新办理",
		casework.NoticeSpotCheck:          "案件被抽中，请安排抽查",
		casework.NoticeExtensionGranted:   "延期申请已同意",
		casework.NoticeExtensionRefused:   "延期申请未获同意",
		casework.NoticeInvalidConfirmed:   "无效认定已确认",
		casework.NoticeInvalidRefused:     "无效认定未予确认，请继续核实",
		casework.NoticeManyLooks:          "有人查看评价人信息的次数异常，请核查",
	},
	stages: map[casework.Stage]string{
		casework.StageOpened: "已收到", casework.StageVerification: "核实", casework.StageInvalidation: "无效认定",
		casework.StageExplanation: "解释说明", casework.StageRectification: "整改", casework.StageFeedback: "反馈",
		casework.StageClosed: "办结", casework.StageSpotCheck: "抽查", casework.StageInvalid: "无效评价",
		casework.StageWithdrawn: "已撤回", casework.StageMerged: "已并案", casework.StageArchived: "已归档",
	},
	subject: "【归零】%s %s", matter: "事项：%s", stage: "环节：%s", due: "期限：%s 24:00", noDue: "期限：不计时", link: "办理：%s",
	foot:   "本邮件由系统自动发出，请勿回复。提醒方式可在“我的账号 → 消息提醒”中更改：%s",
	digest: "【归零】今日待办：超期 %d 件，今天到期 %d 件，新消息 %d 条", overdue: "已超期", today: "今天到期", fresh: "新消息", more: "仅列前 %d 条，其余请到系统中查看。",
	confirm: "【归零】邮箱验证码", code: "您的验证码是 %s，30 分钟内有效。请在“消息提醒”页面填写。如果不是您本人操作，请忽略本邮件。",
}

var english = tongue{
	notices: map[casework.NoticeKind]string{
		casework.NoticeNewCase:            "New case, not claimed yet",
		casework.NoticeAssigned:           "A case was assigned to you",
		casework.NoticeTransferred:        "A case was transferred to your department, not claimed yet",
		casework.NoticeTakenOver:          "A case was taken over by an authority",
		casework.NoticeReopened:           "A case was reopened",
		casework.NoticeMerged:             "A case was merged into another of the same service",
		casework.NoticeLinked:             "Another case of the same service was merged into this one",
		casework.NoticeWithdrawn:          "A case was withdrawn",
		casework.NoticeWarning:            "Reminder, %d days before the deadline",
		casework.NoticeLastDay:            "Reminder: the last day",
		casework.NoticeOverdue:            "A case is overdue",
		casework.NoticeReminded:           "A supervisor asks you to see to a case",
		casework.NoticeEscalated:          "A case was escalated",
		casework.NoticePaused:             "The clock of a case was paused",
		casework.NoticeResumed:            "The clock of a case runs again",
		casework.NoticeDeadlineMoved:      "The public holidays changed, and a deadline with them",
		casework.NoticeExtensionRequested: "An extension was requested; please decide",
		casework.NoticeInvalidProposed:    "A review was proposed to be invalid; please decide",
		casework.NoticeUnsatisfied:        "The citizen is still not satisfied; please decide whether to reopen",
		casework.NoticeSpotCheck:          "A case was drawn for a spot check",
		casework.NoticeExtensionGranted:   "Your extension was granted",
		casework.NoticeExtensionRefused:   "Your extension was refused",
		casework.NoticeInvalidConfirmed:   "The review was declared invalid",
		casework.NoticeInvalidRefused:     "The review stays valid; please go on verifying",
		casework.NoticeManyLooks:          "Somebody looked at unusually many citizens; please check",
	},
	stages: map[casework.Stage]string{
		casework.StageOpened: "Received", casework.StageVerification: "Verification", casework.StageInvalidation: "Invalidation",
		casework.StageExplanation: "Explanation", casework.StageRectification: "Rectification", casework.StageFeedback: "Feedback",
		casework.StageClosed: "Closed", casework.StageSpotCheck: "Spot check", casework.StageInvalid: "Invalid",
		casework.StageWithdrawn: "Withdrawn", casework.StageMerged: "Merged", casework.StageArchived: "Archived",
	},
	subject: "[Guiling] %s %s", matter: "Matter: %s", stage: "Stage: %s", due: "Due: %s 24:00", noDue: "Due: no clock runs", link: "Open: %s",
	foot:   "This message was sent automatically; please do not reply. Choose what you are told under My account, Notifications: %s",
	digest: "[Guiling] Today: %d overdue, %d due, %d new", overdue: "Overdue", today: "Due today", fresh: "New", more: "Only the first %d are listed; see the rest in the system.",
	oneDay:  "Reminder, one day before the deadline",
	confirm: "[Guiling] Code for your address", code: "Your code is %s. It is valid for 30 minutes; enter it on the page Notifications. If you did not ask for it, ignore this message.",
}

// tongueOf gives the words of a language; Chinese for any that is not known.
func tongueOf(language string) tongue {
	if language == "en" {
		return english
	}
	return chinese
}

// sentence says what happened.
func (t tongue) sentence(i Item) string {
	words := t.notices[i.Kind]
	if i.Kind == casework.NoticeWarning && i.Days == 1 && t.oneDay != "" {
		return t.oneDay
	}
	if strings.Contains(words, "%d") {
		return fmt.Sprintf(words, i.Days)
	}
	return words
}

// dueLine says until when; the last day ends at 24:00.
func (t tongue) dueLine(due *time.Time) string {
	if due == nil {
		return t.noDue
	}
	return fmt.Sprintf(t.due, casework.DateOf(due.Add(-time.Nanosecond)))
}

// Pages are where mails and channels lead.
type Pages struct {
	Base string // scheme://host, without a slash at its end
}

// Of is the page on which the item is dealt with.
func (p Pages) Of(i Item) string {
	if i.Kind == casework.NoticeManyLooks {
		return p.Base + "/reveals?alarms=true"
	}
	return p.Base + "/cases/" + i.Number
}

// Settings is the page on which people choose what they are told.
func (p Pages) Settings() string { return p.Base + "/account/notifications" }

// Letter is a mail to one person.
type Letter struct {
	ID      string // the same for every attempt
	To      string
	Subject string
	Body    string
}

// LetterOf is the mail about one item, in the language of its reader.
func (p Pages) LetterOf(language string, i Item) Letter {
	t := tongueOf(language)
	body := strings.Join([]string{
		i.Number + " " + t.sentence(i), "",
		fmt.Sprintf(t.matter, i.Matter), fmt.Sprintf(t.stage, t.stages[i.Stage]), t.dueLine(i.Due), fmt.Sprintf(t.link, p.Of(i)), "",
		fmt.Sprintf(t.foot, p.Settings()), "",
	}, "\n")
	return Letter{ID: i.Key, Subject: fmt.Sprintf(t.subject, i.Number, t.sentence(i)), Body: body}
}

// Digest is what a person's day begins with.
type Digest struct {
	Overdue, Today, Fresh []Item
}

// Empty reports whether there is nothing to say.
func (d Digest) Empty() bool { return len(d.Overdue)+len(d.Today)+len(d.Fresh) == 0 }

// DigestLines is how many items of a kind the daily mail lists.
const DigestLines = 50

// DigestOf is the daily mail.
func (p Pages) DigestOf(language string, d Digest) Letter {
	t := tongueOf(language)
	var body strings.Builder
	section := func(title string, items []Item, withSentence bool) {
		if len(items) == 0 {
			return
		}
		body.WriteString(title + "\n")
		for _, i := range items[:min(len(items), DigestLines)] {
			parts := []string{i.Number, i.Matter, t.stages[i.Stage], t.dueLine(i.Due)}
			if withSentence {
				parts = []string{i.Number, t.sentence(i), i.Matter}
			}
			body.WriteString("· " + strings.Join(parts, " · ") + "\n  " + p.Of(i) + "\n")
		}
		if len(items) > DigestLines {
			body.WriteString(fmt.Sprintf(t.more, DigestLines) + "\n")
		}
		body.WriteString("\n")
	}
	section(t.overdue, d.Overdue, false)
	section(t.today, d.Today, false)
	section(t.fresh, d.Fresh, true)
	body.WriteString(fmt.Sprintf(t.foot, p.Settings()) + "\n")
	return Letter{Subject: fmt.Sprintf(t.digest, len(d.Overdue), len(d.Today), len(d.Fresh)), Body: body.String()}
}

// ConfirmationOf is the mail by which an address shows that it is the person's.
func ConfirmationOf(language, code string) Letter {
	t := tongueOf(language)
	return Letter{Subject: t.confirm, Body: fmt.Sprintf(t.code, code) + "\n"}
}

// maxMatter is how much of a matter's name a line in a channel shows, in characters.
const maxMatter = 24

// robotText is what a channel of an organisation shows of some items.
func (p Pages) robotText(items []Item) string {
	lines := make([]string, 0, len(items))
	for _, i := range items {
		matter := []rune(i.Matter)
		if len(matter) > maxMatter {
			matter = append(matter[:maxMatter-1], '…')
		}
		lines = append(lines, fmt.Sprintf("%s（%s）%s\n%s", i.Number, string(matter), chinese.sentence(i), p.Of(i)))
	}
	return "【归零】\n" + strings.Join(lines, "\n")
}
