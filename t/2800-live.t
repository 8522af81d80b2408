#!/usr/bin/perl
# luukkuctl beside a running desk: logins checked, mail delivered by an MTA's alias, reload, status
# in bad times, search.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use MIME::Base64 ();
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header);
use Luukku::Test::Pg;
use Luukku::Test::Tls;

my $pg = Luukku::Test::Pg->start(private => 1);
my $tls = Luukku::Test::Tls->new;
my $mailboxes = <<'CONF';
  { name = "ict"; protocol = "imap"; host = "127.0.0.1"; port = @IMAP@; tls = "none";
    user = "ict@example.fi"; password_file = "ict.pass"; poll = "5s"; after = "keep"; on_backlog = "normal"; },
  { name = "hr"; protocol = "pop3"; host = "127.0.0.1"; port = @POP3@; tls = "none";
    user = "hr@example.fi"; password_file = "hr.pass"; poll = "5s"; after = "keep"; on_backlog = "normal"; },
  { name = "pipe"; protocol = "none"; }
CONF
my $desk = Luukku::Test::Desk->start(pg => $pg, mailboxes => $mailboxes);
my ($dovecot, $smtp) = ($desk->dovecot, $desk->smtp);

# --- check --connect -----------------------------------------------------------------------------

$desk->deliver('ict', mail());
my $check = $desk->ctl('check', '--connect');
is($check->{status}, 0, 'check --connect: exit status') or diag $check->{err};
my $said = $check->{out};
like($said, qr/^database: connected as luukku_ctl, schema \d+$/m, 'check --connect: the database');
like($said, qr/^mailbox ict \(IMAP 127\.0\.0\.1:\d+\): logged in, 1 mails in INBOX$/m, 'check --connect: IMAP');
like($said, qr/^mailbox hr \(POP3 127\.0\.0\.1:\d+\): logged in, 0 mails$/m, 'check --connect: POP3');
like($said, qr/^smtp \(127\.0\.0\.1:\d+\): logged in$/m, 'check --connect: SMTP');
like($said, qr/^configuration OK\n\z/m, 'check --connect: OK');
is_deeply($desk->json('check', '--connect'), [], 'check --connect --json: an empty array');

# What is said to a server, without secrets.
for my $case (['ict', qr/^S: \* OK.*^C: \S+ AUTHENTICATE PLAIN \*\*\*\n.*^C: \S+ SELECT .*^S: \* 1 EXISTS\n/ms],
	['hr', qr/^S: \+OK.*^C: (?:AUTH PLAIN|PASS) \*\*\*\n.*^C: (?:UIDL|LIST|STAT)/ms],
	['smtp', qr/^S: 220 .*^C: EHLO .*^C: AUTH PLAIN \*\*\*\n.*^S: 235 /ms])
{
	my ($name, $want) = @$case;
	my $done = $desk->ctl('check', '--connect', '--trace', $name);
	is($done->{status}, 0, "--trace $name");
	like($done->{err}, $want, "--trace $name: both sides");
	my $secrets = join '|', map { quotemeta } map { ($_, MIME::Base64::encode_base64($_, '') =~ s/=+\z//r) } "$name secret";
	unlike($done->{err}, qr/$secrets/, "--trace $name: the secret is blotted out");
	is(scalar(() = $done->{err} =~ /^C: .*\*\*\*/mg), 1, "--trace $name: the other servers are not told of");
}
is($desk->ctl('check', '--trace', 'ict')->{status}, 64, '--trace without --connect');
like($desk->ctl('check', '--connect', '--trace', 'nobody')->{err}, qr/nobody: there is no such mailbox/, '--trace of no mailbox');

# One server each with something wrong: what, where, and what to do.
my $conf = $desk->conf;
my $text = slurp($conf);
my $wrong = "$conf.wrong";

sub with {
	my ($from, $to) = @_;
	my $changed = $text;
	my $n = $changed =~ s/$from/$to/;
	die "the configuration has no $from\n" if !$n;
	spew($wrong, $changed, 0600);
	$desk->give_away($wrong);
	return run(['luukkuctl', '-c', $wrong, 'check', '--connect', '--json']);
}
spew($desk->dir . '/bad.pass', "not the password\n", 0600);
$desk->give_away($desk->dir . '/bad.pass');
my $closed = Luukku::Test::Proc::free_port();
my ($imaps, $starttls) = ($dovecot->port('imaps'), $smtp->port);
for my $case (
	['IMAP: a wrong password', qr/"ict\.pass"/, '"bad.pass"', 78, qr/^mailbox ict .*password/i],
	['POP3: a wrong password', qr/"hr\.pass"/, '"bad.pass"', 78, qr/^mailbox hr .*password/i],
	['SMTP: a wrong password', qr/"smtp\.pass"/, '"bad.pass"', 78, qr/^smtp .*(?:password|login)/i],
	['IMAP: nobody listens', qr/port = \d+(?=; tls = "none";\s+user = "ict)/, "port = $closed", 69,
		qr/^mailbox ict .*refused/i],
	['IMAP: a certificate of another CA', qr/port = \d+; tls = "none"(?=;\s+user = "ict)/,
		"port = $imaps; tls = \"implicit\"; ca_file = \"" . $tls->other_ca . '"', 78,
		qr/^mailbox ict .*certificate/i],
	['SMTP: a certificate of another CA', qr/port = $starttls; tls = "none"/,
		"port = $starttls; tls = \"starttls\"; ca_file = \"" . $tls->other_ca . '"', 78, qr/^smtp .*certificate/i],
	['a database that is not there', qr/(?<=port=)5432(?= dbname=\w+ user=luukku")/, '1', 69, qr/^database: cannot connect/],
	['an IMAP folder that is not there', qr/(?<=name = "ict"; )protocol = "imap";/,
		'protocol = "imap"; folders = ( "Nowhere" );', 78, qr/^mailbox ict .*Nowhere/],
) {
	my ($what, $from, $to, $status, $message) = @$case;
	my $done = with($from, $to);
	my $problems = JSON::PP::decode_json($done->{out} || '[]');
	is($done->{status}, $status, "$what: exit status") or diag $done->{out}, $done->{err};
	is(scalar @$problems, 1, "$what: one problem");
	like($problems->[0]{message} // '', $message, "$what: says so");
	is($problems->[0]{file}, $wrong, "$what: names the file");
	cmp_ok($problems->[0]{line}, '>', 1, "$what: names the line");
	is(() = $done->{out} =~ /not the password/, 0, "$what: shows no secret");
}
is($desk->db->sql('SELECT count(*) FROM message'), 0, 'nothing was taken while checking');

# --- deliver -------------------------------------------------------------------------------------

is($desk->ctl('deliver', { in => mail() })->{status}, 75, 'deliver: 75 when nobody listens');
$desk->up;
wait_until(sub { -S $desk->dir . '/run/lmtp' }, 20, 'the LMTP socket');
my $mail = mail(subject => 'alias', id => 'alias@x.example', from => 'Aku <aku@x.example>');
is($desk->ctl('deliver', { in => $mail })->{status}, 0, 'deliver: to the one mailbox that is fed this way');
my $trace = $desk->json('trace', 'alias@x.example');
is($trace->{seen}[0]{mailbox}, 'pipe', 'deliver: it came in there');
is($trace->{outcome}, 'ticket', 'deliver: it is a ticket');
is($desk->json('show', $trace->{ref})->{queue}, 'ict', 'deliver: in the queue that To names');
is($desk->ctl('deliver', { in => $mail })->{status}, 0, 'deliver: the same mail again is taken');
is(scalar @{ $desk->json('list', '--from', 'aku@x.example') }, 1, 'deliver: and makes no second ticket');

# As Postfix runs an alias: an envelope line on top, bare line feeds, $SENDER.
my $piped = "From aku\@x.example  Fri Mar 27 15:50:00 2026\n" . mail(subject => 'piped', id => 'piped@x.example',
	to => 'undisclosed-recipients:;', from => 'Aku <aku@x.example>') =~ s/\r\n/\n/gr;
is($desk->ctl('deliver', '--recipient', 'hr@example.fi', { in => $piped, env => { SENDER => 'other@x.example' } })->{status},
	0, 'deliver --recipient, with an envelope line');
$trace = $desk->json('trace', 'piped@x.example');
my $show = $desk->json('show', $trace->{ref});
is($show->{queue}, 'hr', 'deliver --recipient: the queue of that address');
is($show->{requester}{address}, 'aku@x.example', 'deliver: the envelope line is no part of the mail');
my $both = $desk->ctl('deliver', '--mailbox', 'hr', '--recipient', 'ict@example.fi',
	{ in => mail(id => 'both@x.example', to => 'x@elsewhere.example') });
is($both->{status}, 0, 'deliver --mailbox --recipient');
$trace = $desk->json('trace', 'both@x.example');
is($trace->{seen}[0]{mailbox}, 'hr', 'deliver --mailbox: that mailbox');
is($desk->json('show', $trace->{ref})->{queue}, 'ict', 'deliver --recipient: that address decides on the queue');
my $stranger = $desk->ctl('deliver', '--recipient', 'nobody@elsewhere.example', { in => mail() });
is($stranger->{status}, 65, 'deliver: an address that is not ours is refused for good');
like($stranger->{err}, qr/^luukkuctl: .*5\d\d/, 'deliver: with what the server said');

# --- status and search of a running desk ----------------------------------------------------------

wait_until(sub { my $status = $desk->json('status');
	2 == grep { defined $_->{last_ok_at} } @{ $status->{mailboxes} }[0, 1] }, 30, 'both mailboxes to be visited');
my $status = $desk->json('status');
is_deeply([sort keys %{ $status->{daemons}[0] }], [qw(host name pid since state)], 'status: the keys of a daemon');
my @names = map { $_->{name} } @{ $status->{daemons} };
for my $name ('luukkud', 'luukku-sched', 'luukku-lmtp', 'luukku-fetch ict', 'luukku-fetch hr') {
	ok((grep { $_ eq $name } @names), "status: $name");
}
is_deeply([map { $_->{state} } @{ $status->{daemons} }], [('running') x @names], 'status: all are running');
ok($status->{mailboxes}[0]{host}, 'status: who polls a mailbox');
wait_until(sub { @{ $desk->json('list', '--search', 'piped tulostin') } }, 20, 'the search index');
is($desk->json('list', '--search', 'piped tulostin')->[0]{subject}, 'piped', 'list --search: finds the mail');
is_deeply($desk->json('list', '--search', 'piped hevonen'), [], 'list --search: all words must be there');

# A wrong password turns up in status, and goes away with it.
spew($desk->dir . '/hr.pass', "changed\n", 0600);
$desk->give_away($desk->dir . '/hr.pass');
my $reload = $desk->ctl('reload');
is($reload->{status}, 0, 'reload: exit status') or diag $reload->{err};
like($reload->{out}, qr/^luukkud \(process \d+\) was asked to reload /, 'reload: says whom it asked');
wait_until(sub { ($desk->json('status')->{mailboxes}[1]{error} // '') =~ /password/i }, 30,
	"status to tell of hr's password");
like($desk->ctl('status')->{out}, qr/^hr: .*password/mi, 'status for people tells of it in full');
is($desk->json('status')->{mailboxes}[0]{error}, undef, 'status: the other mailbox has no error');
spew($desk->dir . '/hr.pass', "hr secret\n", 0600);
$desk->give_away($desk->dir . '/hr.pass');
is($desk->ctl('reload')->{status}, 0, 'reload again');
wait_until(sub { !defined $desk->json('status')->{mailboxes}[1]{error} }, 30, "hr's error to go away");
pass('status: the error is gone');

# A configuration with an error is not asked for.
my $pid = $desk->json('status')->{daemons}[0]{pid};
spew($conf, slurp($conf) =~ s/prefix = "TUKI"/prefix = ""/r, 0600);
$desk->give_away($conf);
my $refused = $desk->ctl('reload');
is($refused->{status}, 78, 'reload with an error: exit status');
like($refused->{err}, qr/^\Q$conf\E:\d+: .*\n.*nothing was changed/, 'reload with an error: which, and that nothing changed');
spew($conf, $text, 0600);
$desk->give_away($conf);
is($desk->json('status')->{daemons}[0]{pid}, $pid, 'reload with an error: luukkud runs on');

# A mail that failed for good, sent again by hand.
$smtp->rules({ at => 'rcpt', match => 'gone@x.example', reply => '550 5.1.1 no such user' });
is($desk->ctl('deliver', { in => mail(id => 'gone@x.example', from => 'Gone <gone@x.example>') })->{status}, 0,
	'a mail from somebody whose address does not work');
wait_until(sub { grep { $_->{recipient} eq 'gone@x.example' && $_->{state} eq 'failed' }
	@{ $desk->json('outbox', 'list') } }, 30, 'its acknowledgement to fail');
my ($failed) = grep { $_->{recipient} eq 'gone@x.example' } @{ $desk->json('outbox', 'list') };
like($failed->{last_reply}, qr/no such user/, "outbox list: the server's words");
is($desk->json('status')->{outbox}{failed}, 1, 'status: one mail has failed');
$smtp->rules;
is($desk->ctl('outbox', 'retry', $failed->{id})->{status}, 0, 'outbox retry: exit status');
wait_until(sub { $desk->json('outbox', 'show', $failed->{id})->{state} eq 'sent' }, 30, 'the mail to be sent');
my $shown = $desk->json('outbox', 'show', $failed->{id});
is_deeply([map { $_->{state} } @{ $shown->{deliveries} }], ['failed', 'sent'], 'outbox show: both attempts');
my ($came) = grep { $_->{rcpt}[0] eq 'gone@x.example' } $smtp->mails;
is(header($came->{data}, 'Message-ID'), "<$shown->{message_id}>", 'outbox retry: it kept its Message-ID');
my $about = $desk->json('show', $failed->{ref});
my @out = grep { $_->{direction} eq 'out' } @{ $about->{messages} };
is(scalar @out, 1, 'show: it is one message of its ticket');
is($out[0]{delivery}[0]{state}, 'sent', 'show: that was sent');
ok((grep { $_->{event} eq 'mail_retried' } @{ $about->{events} }), 'show: the history says who asked for it');

# The database away: what luukkud knows is still told, a mail is left with the MTA.
$pg->stop;
my $away = $desk->ctl('status', '--json');
is($away->{status}, 69, 'status without the database: exit status');
my $known = JSON::PP::decode_json($away->{out});
is($known->{daemons}[0]{state}, 'running', 'status without the database: luukkud');
is($known->{schema}{have}, undef, 'status without the database: the schema is not known');
like($away->{err}, qr/^luukkuctl: cannot connect to the database/, 'status without the database: says so');
is($desk->ctl('deliver', { in => mail(id => 'later@x.example') })->{status}, 75,
	'deliver: 75 when the database is away');
$pg->start_again;
wait_until(sub { $desk->ctl('deliver', { in => mail(id => 'later@x.example') })->{status} == 0 }, 30,
	'the mail to be taken after all');
is($desk->json('trace', 'later@x.example')->{outcome}, 'ticket', 'it is a ticket then');

# A mail of ours can be traced, too.
wait_until(sub { grep { $_->{rcpt}[0] eq 'aku@x.example' } $smtp->mails }, 30, 'an acknowledgement');
my ($ack) = grep { $_->{rcpt}[0] eq 'aku@x.example' } $smtp->mails;
my $own = $desk->json('trace', header($ack->{data}, 'Message-ID'));
is_deeply($own->{seen}, [], 'trace of a mail of ours: it was never fetched');
is($own->{mails}[0]{recipient}, 'aku@x.example', 'trace of a mail of ours: to whom');
like($own->{ref}, qr/^TUKI-\d+$/, 'trace of a mail of ours: about which ticket');

$desk->down;
is($desk->ctl('reload')->{status}, 69, 'reload: exit status when luukkud has ended');
is($desk->json('status')->{daemons}[0]{state}, 'stopped', 'status: luukkud has ended');
$desk->show_log if !Test::More->builder->is_passing;

done_testing;
