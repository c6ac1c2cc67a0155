package app

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"guiling/internal/commands"
	"guiling/internal/notify"
	"guiling/internal/store"
	"guiling/worker"
)

// deliveriesDead counts what could not be delivered and was given up.
var deliveriesDead = promauto.NewGauge(prometheus.GaugeOpts{
	Name: "guiling_deliveries_dead",
	Help: "Mails and messages to channels that were given up after many failures.",
})

// newNotifier tells staff of events. Citizens are told by the log, as long as no
// gateway to them is connected.
func newNotifier(s Settings, st *store.Store, log *slog.Logger) worker.Notifier {
	n := worker.Notifier{Store: st, Scope: commands.ScopeOf, Mail: s.SMTPAddr != "", Citizens: notify.LogSender{Log: log}, Log: log}
	for _, o := range webhooksOf(s) {
		n.Channels = append(n.Channels, store.DeliveryChannel(o.Kind))
	}
	return n
}

// newDeliverer puts together what leaves the house.
func newDeliverer(s Settings, st *store.Store, log *slog.Logger) (worker.Deliverer, error) {
	d := worker.Deliverer{
		Store: st, Pages: pagesOf(s), Scope: commands.ScopeOf, TaskScope: commands.TaskScopeOf, Now: SystemClock, Log: log,
	}
	if s.SMTPAddr != "" {
		mailer, err := notify.NewMailer(notify.MailOptions{
			Addr: s.SMTPAddr, From: s.SMTPFrom, Username: s.SMTPUsername, Password: s.SMTPPassword, TLS: s.SMTPTLS,
		})
		if err != nil {
			return d, err
		}
		d.Mail = mailer
	}
	for _, o := range webhooksOf(s) {
		webhook, err := notify.NewWebhook(o)
		if err != nil {
			return d, err
		}
		d.Channels = append(d.Channels, worker.Channel{Poster: webhook, Kind: o.Kind})
	}
	return d, nil
}

func pagesOf(s Settings) notify.Pages {
	return notify.Pages{Base: strings.TrimSuffix(s.PublicURL, "/")}
}

func webhooksOf(s Settings) []notify.WebhookOptions {
	var all []notify.WebhookOptions
	for _, o := range []notify.WebhookOptions{
		{Kind: notify.Generic, URL: s.WebhookURL, Secret: s.WebhookSecret},
		{Kind: notify.WeCom, URL: s.WebhookWeComURL},
		{Kind: notify.DingTalk, URL: s.WebhookDingTalkURL, Secret: s.WebhookDingTalkSecret},
	} {
		if o.URL != "" {
			o.AllowPrivate, o.Pages, o.Now = s.WebhookAllowPrivate, pagesOf(s), SystemClock
			all = append(all, o)
		}
	}
	return all
}

// mailDomains are the domains that addresses may have, in small letters.
func mailDomains(s Settings) []string {
	var domains []string
	for _, domain := range s.SMTPDomains {
		if domain = strings.ToLower(strings.TrimSpace(domain)); domain != "" {
			domains = append(domains, domain)
		}
	}
	return domains
}

// watchDeliveries shows operators what was given up, and deletes what is long past.
func watchDeliveries(ctx context.Context, st *store.Store, log *slog.Logger) error {
	return every(ctx, time.Minute, func() {
		dead, err := st.DeadDeliveries(ctx)
		if err == nil {
			deliveriesDead.Set(float64(dead))
			err = st.PurgeNotifications(ctx, SystemClock())
		}
		if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "look at deliveries", "error", err)
		}
	})
}
