#!/usr/bin/perl
# What each role may do, table by table: exactly this, and nothing more.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Pg;

# s select, i insert, u update, d delete; u(a b) these columns only. A table that is not named: none.
my $intake = <<'END';
setting s
organisation s i u(name)
person s i u
ticket s i u
ticket_link s i d
participant s i d
blob s i u(created_at)
blob_chunk s i
message s i u(direction evidence evidence_reason reply_text ticket_id writer)
message_search s
attachment s i
identifier s i u(message_id ticket_id)
absence s i u
agent_token s i u
command_run s i u
consultation s i u
held_command s i u
look_up s i u
event s i
stage s i u
arrival s i
quarantine s i u(decided_at decided_by state)
action s u(used_at)
outbox s i u(attempts claimed_by claimed_until due_at form reason state wire)
delivery s i
schema_migration s
ticket_urgency s
queue_pace s
timer s i d u
turn s i u
mass s i u(last_at)
survey s u(answered_at answered_by changed_at comment message_id outcome score)
mass_ticket s i
ticket_words s i d u
END
my %declared = (
	luukku       => '',
	luukku_web   => <<'END',
schema_migration s
setting s
survey s u(answered_at answered_by changed_at comment message_id outcome score)
ticket s(due_resolve due_respond first_response_at id is_machine opened_at owner paused_at priority queue resolved_at status subject tags token_epoch type)
timer s(attempts due_at) i
message s(id kind ticket_id)
arrival s(fetched_at id mailbox message_id outcome server server_error)
event s(at event id)
delivery s(at id state)
outbox s(created_at id state)
quarantine s(id state)
ticket_urgency s
mailbox s
lease s
END
	luukku_lmtp  => $intake,
	luukku_fetch => ($intake =~ s/^arrival s i$/arrival s i u(server server_error)/mr) . <<'END',
mailbox s i u
folder s i u
lease s u(expires_at)
END
	luukku_send => <<'END',
setting s
organisation s
person s
ticket s
participant s
attachment s
blob s
blob_chunk s
message s i
identifier s i u(message_id)
event s i
message_search s
delivery s i
outbox s u
schema_migration s
absence s
agent_token s
consultation s
timer s i
survey s
stage s
END
	luukku_sched => <<'END',
open_queue s i d u
open_hours s i d u
setting s i u
lease s i u
attachment s d
arrival s u(explain reason)
message s u(evidence_reason from_address from_name header_block in_reply_to kind_reason message_id parsed raw_blob recipients_cc recipients_to refs reply_text subject text)
message_search s i d
blob s d u(created_at)
schema_migration s
ticket_urgency s
event s i u(actor detail reason)
organisation s
outbox s i u(form last_reply reason recipient recipient_hash recipient_name variables wire)
person s u(address address_hash name phone suppressed_reason suppressed_until)
stage s i u
ticket s u
queue_pace s i d u
timer s i d u
absence s
survey s i d u
ticket_link s
consultation s u(address ended_at)
held_command s u(words)
participant s d
ticket_words s d
quarantine s u(detail)
command_run s u(steps)
delivery s u(reply)
action s i d
agent_token s
mailbox s
END
	luukku_ctl => <<'END',
survey s u(comment)
open_queue s i d u
open_hours s i d u
report_period s
report_ticket s
report_stage s
report_consultation s
report_supplier_answer s
report_figures s
report_queues s
report_organisations s
report_sla s
report_stages s
report_suppliers s
report_rules s
report_agents s
report_survey s
report_comments s
mass s i u(last_at)
mass_ticket s i
ticket_words s i d u
arrival s u(explain reason)
attachment s i d
blob s
blob_chunk s
delivery s u(reply)
event s i u(actor detail reason)
folder s
identifier s i u(message_id ticket_id)
lease s
mailbox s
message s i u(direction evidence evidence_reason from_address from_name header_block in_reply_to kind_reason message_id parsed raw_blob recipients_cc recipients_to refs reply_text subject text ticket_id writer)
message_search s d
organisation s i u(name)
outbox s i u(attempts claimed_by claimed_until due_at form last_reply reason recipient recipient_hash recipient_name state variables wire)
participant s i d u(added_by)
person s i u
quarantine s u(decided_at decided_by detail state)
schema_migration s
setting s
stage s i u
ticket s i u
ticket_link s i d
queue_pace s
timer s i d u
ticket_urgency s
turn s i u
absence s i u
agent_token s i u
command_run s i u
consultation s i u
held_command s i u
look_up s i u
action s
END
	luukku_read => <<'END',
report_survey s
open_queue s
open_hours s
report_period s
report_figures s
report_queues s
report_organisations s
report_sla s
report_stages s
report_suppliers s
report_rules s
report_ticket s(chased elapsed_seconds first_action_at first_action_seconds first_reply_at first_reply_seconds is_action_in_target is_consulted is_first_contact is_first_time_right is_moved is_reply_in_target is_resolution_in_target needed_customer needed_supplier opened_at organisation owner priority queue reopened resolution_seconds resolved_at routed_by tags ticket_id type)
report_stage s(from_at now_in open_seconds opened_at organisation priority queue seconds status tags ticket_id to_at type)
report_consultation s(answered_at asked_at consultation_id ended_at open_seconds opened_at organisation priority queue seconds tags ticket_id type)
report_supplier_answer s(answered_at asked_at open_seconds opened_at organisation priority queue seconds supplier tags ticket_id type)
mass s
mass_ticket s
setting s
organisation s
stage s
ticket_link s
mailbox s
lease s
schema_migration s
ticket s(answer_by changed_at chased clocked_at closed_at due_resolve due_respond files_gone_at first_response_at id incident_told_at is_machine is_silent language merged_into missing_fields opened_at organisation_id owner paused_at priority queue reopened requester_id resolved_at skill sla status supplier tags type waiting_on waiting_until words_gone_at)
person s(created_at id language organisation_id organisation_set standing)
participant s(added_at person_id role ticket_id)
message s(at direction evidence id importance kind language raw_size ticket_id writer)
attachment s(content_type is_inline message_id n size)
event s(at event id message_id ticket_id)
arrival s(fetched_at id mailbox message_id outcome received_at server ticket_id)
quarantine s(at decided_at id mailbox message_id reason state)
outbox s(attempts cause_id created_at due_at id language last_code message_id purpose queue rank sent_at state template ticket_id)
queue_pace s
timer s(attempts due_at id kind status step ticket_id)
delivery s(at code id outbox_id state status)
ticket_urgency s
turn s
END
);
# A row's number stands in its Message-ID, so it is drawn before the row is written.
my %numbers = map { $_ => ['outbox_id_seq USAGE'] } qw(luukku_fetch luukku_lmtp luukku_ctl luukku_sched);

my $pg = Luukku::Test::Pg->start;
my $db = $pg->database;
my @tables = map { $_->[0] } $db->sql(q{SELECT relname FROM pg_class
	WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
	ORDER BY 1});

is_deeply([map { $_->[0] } $db->sql(q{SELECT rolname FROM pg_roles
	WHERE rolname ~ '^luukku' AND rolname <> 'luukku_owner' ORDER BY 1})],
	[sort keys %declared], 'these roles exist');

for my $role (sort keys %declared) {
	my %said;
	for my $line (split /\n/, $declared{$role}) {
		my ($table, $rest) = split / /, $line, 2;
		$said{$table} = $rest;
	}
	my %has;
	for my $row ($db->sql(qq{
		SELECT c.relname, p.letter, has_table_privilege('$role', c.oid, p.privilege),
		       (SELECT string_agg(a.attname, ' ' ORDER BY a.attname) FROM pg_attribute a
			 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
			   AND p.columns AND has_column_privilege('$role', c.oid, a.attnum,
				CASE WHEN p.columns THEN p.privilege ELSE 'SELECT' END))
		  FROM pg_class c,
		       (VALUES (1, 's', 'SELECT', true), (2, 'i', 'INSERT', true),
			(3, 'd', 'DELETE', false), (4, 'u', 'UPDATE', true),
			(5, 'truncate', 'TRUNCATE', false), (6, 'references', 'REFERENCES', true),
			(7, 'trigger', 'TRIGGER', false)) p (n, letter, privilege, columns)
		 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
		 ORDER BY c.relname, p.n})) {
		my ($table, $letter, $whole, $columns) = @$row;
		my $right = $whole eq 't' ? $letter : $columns ne '' ? "$letter($columns)" : next;
		$has{$table} .= ($has{$table} ? ' ' : '') . $right;
	}
	for my $table (@tables) {
		is($has{$table} // '', $said{$table} // '', "$role on $table");
	}
	my @no_table = grep { my $t = $_; !grep { $_ eq $t } @tables } sort keys %said;
	is_deeply(\@no_table, [], "$role: each declared table exists");
	is($db->sql("SELECT concat_ws(' ', rolsuper, rolinherit AND rolname = 'luukku', rolcreaterole,
		rolcreatedb, rolreplication, rolbypassrls, rolcanlogin) FROM pg_roles
		WHERE rolname = '$role'"), 'f f f f f f ' . ($role eq 'luukku' ? 't' : 'f'),
		"$role has no power beyond tables");
	is($db->sql("SELECT concat_ws(' ', has_schema_privilege('$role', 'public', 'CREATE'),
		has_schema_privilege('$role', 'public', 'USAGE'))"),
		'f t', "$role cannot create anything in the schema");
	is_deeply([map { "@$_" } $db->sql("SELECT c.relname, p.privilege FROM pg_class c,
		(VALUES ('SELECT'), ('UPDATE'), ('USAGE')) p (privilege)
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S'
		AND has_sequence_privilege('$role', c.oid, p.privilege) ORDER BY 1, 2")],
		$numbers{$role} // [], "$role draws only the numbers it needs");
}

is_deeply([map { $_->[0] } $db->sql(q{SELECT r.rolname FROM pg_auth_members m
	JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles l ON l.oid = m.member
	WHERE l.rolname ~ '^luukku' AND l.rolname <> 'luukku_owner' ORDER BY 1})],
	[qw(luukku_ctl luukku_fetch luukku_lmtp luukku_sched luukku_send luukku_web)],
	'luukku may become the role of each program, and nobody else may become anything');

my (undef, $error) = $db->try_sql('SELECT count(*) FROM ticket', user => 'luukku');
like($error, qr/permission denied/, 'luukku itself reads nothing');
(undef, $error) = $db->try_sql('INSERT INTO event (at, actor, event, reason)
	VALUES (now(), $$a$$, $$b$$, $$c$$)', user => 'luukku', role => 'luukku_read');
like($error, qr/permission denied/, 'luukku cannot become luukku_read');

done_testing;
