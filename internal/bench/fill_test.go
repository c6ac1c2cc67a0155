package bench_test

import (
	"database/sql"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
)

// What the database is filled with. The same place in the order of cases has the same
// content in every run, but for the time, which is now.
const (
	chunk      = 50_000 // cases at a time
	ownOpen    = 200    // open cases of the department that is measured, whatever the size
	ownHandler = "zhanhe.ziran.chen"
	ownRegion  = "410411000000"
	rareWord   = "地窖" // in one of 5,000 reviews
	commonWord = "窗口" // in every third, about
)

// The parts of sentences that citizens might have written.
const words = `
CREATE TEMP TABLE bench_words AS
SELECT row_number() OVER () - 1 AS n, words, search_tokens(words) AS tokens
FROM (SELECT a || b || c || d AS words FROM unnest(ARRAY['上周一去办事，','材料按网上的清单备齐了，','请了半天假过去，','电话里说当天能办，','第三次来了，','老人行动不便，','从乡下坐车过来，','预约的是九点，','孩子上学急用，','邻居说很快，','网上提交后一直没有动静，','第一次办这个事项，']) a,
     unnest(ARRAY['窗口说系统故障，','排号排了两个小时，','工作人员一直在看手机，','窗口前没有人，','告知缺一份证明，','说要回去补章，','让去另一个窗口，','窗口让等通知，','表格填了三遍，','说领导不在签不了字，','打印机坏了没人修，','被告知不在受理范围，','说材料过期了，','指南和现场要求不一样，','窗口提前下班，','只给了一张纸条，','复印还要另外收费，','说要重新拍照，','前后两个人说法不一，','没有人解释原因，','说要等上级批复，','号叫过了不给补，','名字录错了要重来，','电话没有人接，']) b,
     unnest(ARRAY['跑了四趟还没有办成。','到现在也没有答复。','等到下班也没轮到。','一上午就这样过去了。','最后还是没有受理。','只好第二天再来。','前后用了二十多天。','白跑一趟。','问了几次都说不清楚。','态度很冷淡。','没有一次性告知。','证件也没有及时退还。']) c,
     unnest(ARRAY['希望尽快解决。','请给一个说法。','希望改进。','建议增加人手。','请核实。','希望一次说清。','希望能网上办。','','请回电话。','以后能不能方便一点。']) d
	ORDER BY md5(a || b || c || d) LIMIT 5000) AS picked;
CREATE UNIQUE INDEX ON bench_words (n);
ANALYZE bench_words;
`

// Departments in each city and county, with one person each, and the places where
// they serve: their own region and up to seven right below it.
const organisations = `
INSERT INTO organisations (kind, name, region_code, parent_id)
SELECT 'department', r.name || d, r.code, a.id
FROM regions r JOIN organisations a ON a.kind = 'authority' AND a.region_code = r.code
CROSS JOIN unnest(ARRAY['自然资源局','市场监督管理局','公安局','人力资源和社会保障局','医疗保障局','住房公积金管理中心','住房和城乡建设局','民政局','残疾人联合会','农业农村局','交通运输局']) d
WHERE r.level IN ('city', 'county') ON CONFLICT DO NOTHING;
INSERT INTO users (username, display_name, organisation_id, roles)
SELECT 'bench.' || o.id, '经办' || o.id, o.id, ARRAY['handler'] FROM organisations o WHERE o.kind = 'department';
INSERT INTO matters (code, name)
SELECT 'B' || lpad(CAST(100 * i + j AS text), 6, '0'), a || b
FROM unnest(ARRAY['不动产','企业','个体工商户','社会保险','医疗保险','住房公积金','建设工程','居住证','老年人补贴','残疾人证','农机','道路运输']) WITH ORDINALITY AS x (a, i),
     unnest(ARRAY['转移登记','变更登记','注销登记','信息查询','证明开具','年度报告','补换领','资格认定','费用核定','许可延续']) WITH ORDINALITY AS y (b, j);
CREATE TEMP TABLE bench_matters AS SELECT row_number() OVER (ORDER BY code) - 1 AS n, code, search_tokens(name) AS tokens FROM matters WHERE code LIKE 'B%';
CREATE TEMP TABLE bench_departments AS
SELECT row_number() OVER (ORDER BY o.id <> own.organisation_id, o.id) - 1 AS n, o.id, o.region_code, o.parent_id, u.id AS user_id, search_tokens(o.name) AS tokens,
       ARRAY[o.region_code] || ARRAY(SELECT b.code FROM regions b WHERE b.parent_code = o.region_code ORDER BY md5(b.code || o.id) LIMIT 7) AS places
FROM organisations o JOIN users u ON u.username = 'bench.' || o.id, (SELECT organisation_id FROM users WHERE username = '` + ownHandler + `') own
WHERE o.kind = 'department';
CREATE UNIQUE INDEX ON bench_departments (n);
ANALYZE bench_departments;
CREATE FUNCTION pg_temp.pick(g bigint, salt integer, among bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN (CAST(hashint8extended(g, salt) AS numeric) % among + among) % among;
`

// One part of the cases, laid out before it goes into the tables: from its first case
// to its last, at a time that is now. A table is made by literals only.
const layOut = `
CREATE TEMP TABLE part AS
WITH dice AS (
	SELECT g, g < 200 AS own, g < 200 OR pg_temp.pick(g, 1, 100) < 3 AS open,
	       CASE WHEN g < 200 THEN 0 ELSE pg_temp.pick(g, 2, (SELECT count(*) FROM bench_departments)) END AS department,
	       pg_temp.pick(g, 3, 8) AS place, pg_temp.pick(g, 4, (SELECT count(*) FROM bench_matters)) AS matter,
	       pg_temp.pick(g, 5, (SELECT count(*) FROM bench_words)) AS words,
	       CAST(pg_temp.pick(g, 6, 100) AS integer) AS a, CAST(pg_temp.pick(g, 7, 100) AS integer) AS b,
	       CAST(pg_temp.pick(g, 8, 94608000) AS integer) AS long, CAST(pg_temp.pick(g, 9, 1000000) AS integer) AS short
	FROM generate_series(CAST(:first AS bigint), :last) AS g
), placed AS (
	SELECT dice.*, d.id AS department_id, d.parent_id, d.user_id, r.code AS region_code, r.path AS region_path, m.code AS matter_code,
	       w.words || CASE WHEN g % 5000 = 7 THEN ' 院子里的地窖一直没有人来看。' ELSE '' END AS said,
	       w.tokens || m.tokens || d.tokens || CASE WHEN g % 5000 = 7 THEN search_tokens('院子里的地窖一直没有人来看。') ELSE '{}' END AS tokens,
	       CAST(':now' AS timestamptz) - CASE WHEN open THEN make_interval(secs => short) ELSE make_interval(days => 20, secs => long) END AS opened_at,
	       CASE WHEN own THEN 'rectification'
	            WHEN open THEN (ARRAY['verification','verification','verification','rectification','rectification','rectification','rectification','rectification','feedback','explanation'])[1 + a % 10]
	            WHEN a < 94 THEN 'archived' WHEN a < 97 THEN 'invalid' ELSE 'withdrawn' END AS stage,
	       CASE WHEN open THEN CAST(':now' AS timestamptz) + make_interval(mins => short % 18000 - 600) END AS deadline_at
	FROM dice JOIN bench_departments d ON d.n = department
	JOIN regions r ON r.code = CASE WHEN own THEN d.region_code ELSE d.places[1 + place % cardinality(d.places)] END
	JOIN bench_matters m ON m.n = matter JOIN bench_words w ON w.n = dice.words
)
SELECT *, left(region_code, 6) || '-' || to_char(opened_at, 'YYYYMMDD') || '-' || lpad(CAST(g % 1000000 AS text), 6, '0') AS number,
       CASE WHEN open AND b < 30 THEN NULL WHEN own AND b < 80 THEN (SELECT id FROM users WHERE username = '` + ownHandler + `') ELSE user_id END AS handler_id,
       CASE WHEN deadline_at < ':now' THEN deadline_at END AS overdue_since,
       CASE WHEN stage = 'archived' THEN opened_at + make_interval(days => 2 + b % 14) END AS closed_at
FROM placed`

// What goes from a part into the tables, in the order of their references.
var spread = []string{
	`
INSERT INTO service_records (id, source, record_number, region_code, department_id, matter_code, staff_label, accepted_at) OVERRIDING SYSTEM VALUE
SELECT g + 1, 'bench', 'B' || g, region_code, department_id, matter_code, '窗口' || lpad(CAST(1 + b % 20 AS text), 2, '0'), opened_at - INTERVAL '2 days' FROM part`, `
INSERT INTO reviews (id, service_record_id, source, record_number, assess_number, made_by, level, channel, tags, aspects, words, rated_at,
	reviewer_known, content_hash, privacy) OVERRIDING SYSTEM VALUE
SELECT g + 1, g + 1, 'bench', 'B' || g, 1, 'active', CASE WHEN a % 3 = 0 THEN 'very_dissatisfied' ELSE 'dissatisfied' END,
	(ARRAY['counter_device','pc','app'])[1 + b % 3], '{}', '{}', said, opened_at - INTERVAL '1 day', false, decode(md5(CAST(g AS text)), 'hex'), 1 FROM part`, `
INSERT INTO cases (number, review_id, region_code, department_id, matter_code, stage, version, handler_id, opened_at, changed_at, clock_kind,
	deadline_at, paused_at, overdue_since, ever_late, escalation_steps, reopenings, closed_at, closed_on_time, region_path, created_at)
SELECT number, g + 1, region_code, department_id, matter_code, stage, 5, handler_id, opened_at, COALESCE(closed_at, opened_at),
	CASE WHEN open THEN CASE stage WHEN 'rectification' THEN 'rectification' ELSE 'verification' END END,
	deadline_at, CASE WHEN open AND NOT own AND overdue_since IS NULL AND b % 33 = 0 THEN opened_at END, overdue_since,
	overdue_since IS NOT NULL, CASE WHEN overdue_since IS NOT NULL AND b % 2 = 0 THEN 1 END, CAST(b < 5 AS integer),
	closed_at, CASE WHEN closed_at IS NOT NULL THEN b < 93 END, region_path, opened_at
FROM part`, `
INSERT INTO tasks (case_number, key, kind, owner, organisation_id, assignee_id, due_at, opened_at, closed_at)
SELECT number, 'work/1', CASE stage WHEN 'verification' THEN 'verify' WHEN 'explanation' THEN 'explain' WHEN 'feedback' THEN 'send_feedback' ELSE 'rectify' END,
	'department', department_id, handler_id, deadline_at, opened_at, CASE WHEN NOT open THEN COALESCE(closed_at, opened_at) END
FROM part
UNION ALL
SELECT number, 'supervise/1/1', 'supervise', 'authority', parent_id, NULL, deadline_at, opened_at, NULL FROM part WHERE overdue_since IS NOT NULL AND b % 2 = 0`,
}

// makeSearchable writes the rows of the search as refresh_case_search does, which takes a
// text apart for each case anew; a test compares them. A number has all its parts of
// up to three characters.
const makeSearchable = `
INSERT INTO case_search (case_number, tokens)
SELECT number, ARRAY(SELECT unnest(tokens) UNION SELECT substr(number, i, n) FROM generate_series(1, length(number)) AS i, generate_series(1, 3) AS n)
	|| ARRAY(SELECT '@' || code FROM unnest(region_path) AS code) || ('#' || department_id)
FROM part`

// filled is what a filled database has, for who looks into it.
type filled struct {
	Took time.Duration
	Size string
	Open int
}

// fill puts so many cases into a database, past the triggers, which do the same one
// row at a time. The indexes that would be slower to keep than to make are made again
// as the migrations made them; afterwards nothing is other than in a real database.
func fill(t *testing.T, db *sql.DB, cases int, now time.Time) filled {
	t.Helper()
	began := time.Now()
	ctx := t.Context()
	conn, err := db.Conn(ctx) // temporary tables belong to one
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	run := func(query string) {
		t.Helper()
		_, err := conn.ExecContext(ctx, query)
		require.NoError(t, err, query)
	}
	run(words)
	run(organisations)
	made := indexesOf(t, conn)
	for name := range made {
		run(`DROP INDEX ` + name)
	}
	run(`SET session_replication_role = replica`)
	for first := 0; first < cases; first += chunk {
		run(strings.NewReplacer(":first", strconv.Itoa(first), ":last", strconv.Itoa(min(first+chunk, cases)-1), ":now", now.UTC().Format(time.RFC3339)).Replace(layOut))
		for _, query := range spread {
			run(query)
		}
		run(`ANALYZE part`)
		run(makeSearchable)
		run(`DROP TABLE part`)
		t.Logf("%d cases after %s", min(first+chunk, cases), time.Since(began).Round(time.Second))
	}
	liveThrough(t, conn, now)
	run(`SET session_replication_role = origin`)
	for _, definition := range made {
		run(definition)
	}
	run(`SELECT setval(pg_get_serial_sequence('reviews', 'id'), (SELECT max(id) FROM reviews)), setval(pg_get_serial_sequence('service_records', 'id'), (SELECT max(id) FROM service_records))`)
	run(`VACUUM (ANALYZE)`)
	f := filled{Took: time.Since(began)}
	require.NoError(t, conn.QueryRowContext(ctx, `SELECT pg_size_pretty(pg_database_size(current_database())), (SELECT count(*) FROM cases WHERE due_order < 'infinity')`).Scan(&f.Size, &f.Open))
	return f
}

// indexesOf are the indexes of the large tables that no constraint needs, with how
// each is made.
func indexesOf(t *testing.T, conn *sql.Conn) map[string]string {
	t.Helper()
	rows, err := conn.QueryContext(t.Context(), `
		SELECT CAST(CAST(i.indexrelid AS regclass) AS text), pg_get_indexdef(i.indexrelid) FROM pg_index i
		WHERE i.indrelid IN (CAST('cases' AS regclass), CAST('case_search' AS regclass), CAST('tasks' AS regclass), CAST('service_records' AS regclass)) AND NOT i.indisunique`)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	indexes := map[string]string{}
	for rows.Next() {
		var name, definition string
		require.NoError(t, rows.Scan(&name, &definition))
		indexes[name] = definition
	}
	require.NoError(t, rows.Err())
	return indexes
}

// liveThrough writes what happened to the cases of the department that is measured:
// those whose page is opened.
func liveThrough(t *testing.T, conn *sql.Conn, now time.Time) {
	t.Helper()
	var organisation, user int64
	require.NoError(t, conn.QueryRowContext(t.Context(), `SELECT organisation_id, id FROM users WHERE username = $1`, ownHandler).Scan(&organisation, &user))
	var pack int
	require.NoError(t, conn.QueryRowContext(t.Context(), `SELECT max(version) FROM rule_packs WHERE id = 'henan-2019'`).Scan(&pack))
	limit := casework.Limit{Days: 15, Count: casework.CountNatural, Article: "第九条"}
	for i, body := range []casework.EventBody{
		casework.Opened{
			RegionCode: ownRegion, RegionLevel: casework.LevelCounty, DepartmentID: organisation, Rating: "dissatisfied", Channel: casework.ChannelCounterDevice,
			RatedAt: now.AddDate(0, 0, -13), PackID: "henan-2019", PackVersion: pack, Limit: limit,
		},
		casework.Claimed{UserID: user},
		casework.CallbackRecorded{Attempt: 1, Words: "两次未接通"},
		casework.CallbackRecorded{Attempt: 2, Reached: true, Words: "说明了情况，愿意等处理结果"},
		casework.Verified{Outcome: casework.OutcomeComplex, Findings: "当日窗口两人请假，未安排替岗，群众等候时间过长，情况属实。", Limit: limit},
	} {
		data, err := json.Marshal(body)
		require.NoError(t, err)
		by, role := any(user), any("handler")
		if i == 0 {
			by, role = nil, nil
		}
		_, err = conn.ExecContext(t.Context(), `
			INSERT INTO case_events (case_number, seq, key, kind, at, by_user_id, by_organisation_id, by_role, article, body, build)
			SELECT c.number, CAST($1 AS integer), 'bench/' || CAST($1 AS integer), $2, CAST($3 AS timestamptz), CAST($4 AS bigint), CASE WHEN CAST($4 AS bigint) IS NULL THEN NULL ELSE CAST($5 AS bigint) END, $6, $7, $8, 'bench'
			FROM cases c WHERE c.review_id <= $9`,
			i+1, string(body.Kind()), now.AddDate(0, 0, i-12), by, organisation, role, body.Article(), data, ownOpen)
		require.NoError(t, err)
	}
}
