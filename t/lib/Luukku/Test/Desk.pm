package Luukku::Test::Desk;

# A whole desk for one test: private PostgreSQL database, Dovecot, SMTP sink, configuration and
# luukkud, in one directory.
#
#   my $desk = Luukku::Test::Desk->start;          # ict@example.fi by IMAP, hr@example.fi by POP3
#   $desk->deliver('ict', $mail, at => $epoch)     into the mailbox; see mail() for making one
#   my $done = $desk->once(env => {..})            luukkud --once; what Luukku::Test::Base::run gives
#   $desk->up; $desk->down; $desk->kill_group      luukkud -f as a process group of its own
#   $desk->ctl('list', '--json')                   luukkuctl; ->json('show', 'TUKI-1001') decodes
#   $desk->db->sql(..)  $desk->smtp->mails  $desk->dovecot->count(..)
#   $desk->start_over                              empty database, mailboxes and sink; same servers
#   $desk->leaks                                   a test: what customers got has nothing of the inside
#
# Options of start: domain => 'example.fi', prefix => 'TUKI', mailboxes => TEXT, site => TEXT, smtp => TEXT, agents => TEXT, queues => TEXT, extra => TEXT
# (configuration, in place of the default or on top of it), pg => Luukku::Test::Pg; postfix => {..}
# (a real MTA and people's mailboxes in place of the sink: start_postfix; ->postfix).

use strict;
use warnings;
use Exporter 'import';
use JSON::PP ();
use Luukku::Test::Base qw(run wait_until program slurp spew);
use Luukku::Test::Dovecot;
use Luukku::Test::Leaks;
use Luukku::Test::Mail qw(mail header parts);
use Luukku::Test::Pg;
use Luukku::Test::Postfix;
use Luukku::Test::Proc qw(free_port spawn stop_pid is_running run_dir log_as_comments unprivileged_ids);
use Luukku::Test::Smtp;
use Test::More ();

our @EXPORT_OK = qw(mail header parts);

my $desks = 0;

sub start {
	my ($class, %option) = @_;
	my @missing = (Luukku::Test::Dovecot::missing_packages(), Luukku::Test::Pg::missing_packages());
	Luukku::Test::Base::skip_or_die("Debian packages are missing: @missing") if @missing;
	program($_) for qw(luukkud luukkuctl luukku-fetch luukku-parse luukku-send luukku-sched luukku-lmtp luukku-web);
	my $self = bless { option => \%option, dir => run_dir() . '/desk' . ++$desks }, $class;
	mkdir $_, 0700 or die "$_: $!" for $self->{dir}, map { "$self->{dir}/$_" } qw(run spool);
	$self->{pg} = $option{pg} // Luukku::Test::Pg->start;
	$self->{db} = $self->{pg}->database;
	my %users = ('ict@example.fi' => 'ict secret', 'hr@example.fi' => 'hr secret');
	if ($option{postfix}) {
		$self->start_postfix(\%users, %{ $option{postfix} });
	} else {
		$self->{dovecot} = Luukku::Test::Dovecot->start(users => \%users);
		$self->{smtp} = Luukku::Test::Smtp->start(user => 'luukku', password => 'smtp secret', plaintext_auth => 1);
		$self->{smtp}->before_clear(sub { $self->look_for_leaks });
	}
	spew("$self->{dir}/site.key", join('', map { sprintf '%02x', int rand 256 } 1 .. 32) . "\n", 0600);
	spew("$self->{dir}/$_.pass", "$_ secret\n", 0600) for qw(ict hr smtp);
	$self->give_away($self->{dir}, map { "$self->{dir}/$_" } qw(run spool site.key ict.pass hr.pass smtp.pass));
	$self->configure;
	Luukku::Test::Leaks::watch($self);
	return $self;
}

# A real MTA in place of the sink. people and sieve => addresses with mailboxes beside the desk's own
# (those of sieve may answer by Sieve), aliases => { ADDRESS => where its mail goes }, lmtp => [ADDRESS, ..]
# that luukku-lmtp takes, on ->lmtp_port.
sub start_postfix {
	my ($self, $users, %postfix) = @_;
	Luukku::Test::Postfix::can_run();
	my $port = free_port();
	my %lmtp = map { $_ => 1 } @{ $postfix{lmtp} // [] };
	my @own = grep { !$lmtp{$_} } keys %$users;
	$self->{lmtp_port} = free_port();
	$self->{people} = [@{ $postfix{people} // [] }, @{ $postfix{sieve} // [] }];
	$users->{$_} = 'people secret' for @{ $self->{people} };
	$self->{dovecot} = Luukku::Test::Dovecot->start(users => $users,
		settings => Luukku::Test::Postfix->dovecot_settings($port));
	$self->{postfix} = Luukku::Test::Postfix->start(port => $port, dovecot => $self->{dovecot},
		users => [@own, @{ $postfix{people} // [] }], sieve => $postfix{sieve},
		lmtp => { map { $_ => "127.0.0.1:$self->{lmtp_port}" } keys %lmtp },
		aliases => { 'luukku-bounces@example.fi' => 'ict@example.fi', %{ $postfix{aliases} // {} } });
	return;
}

# To the user that luukkud becomes when root starts it.
sub give_away {
	my ($self, @paths) = @_;
	my ($uid, $gid) = unprivileged_ids();
	chown $uid, $gid, @paths;
	return;
}

# A new directory that the desk can write to.
sub scratch {
	my ($self, $name) = @_;
	my $path = "$self->{dir}/$name";
	mkdir $path or die "$path: $!";
	$self->give_away($path);
	return $path;
}

sub dir     { return $_[0]{dir} }
sub db      { return $_[0]{db} }
sub pg      { return $_[0]{pg} }
sub dovecot { return $_[0]{dovecot} }
sub smtp    { return $_[0]{smtp} }
sub postfix { return $_[0]{postfix} }
sub conf    { return "$_[0]{dir}/luukku.conf" }

# Writes the configuration; options replace those of start.
sub configure {
	my ($self, %option) = @_;
	%{ $self->{option} } = (%{ $self->{option} }, %option);
	my $o = $self->{option};
	my ($imap, $pop3) = ($self->{dovecot}->port('imap'), $self->{dovecot}->port('pop3'));
	my $smtp = ($self->{postfix} // $self->{smtp})->port;
	my $login = $self->{postfix} ? 'auth = "none";' : 'auth = "plain"; user = "luukku"; password_file = "smtp.pass";';
	my $conninfo = $self->{db}->conninfo;
	my $owner = $self->{db}->owner_conninfo;
	my $mailboxes = $o->{mailboxes} // <<"CONF";
  { name = "ict"; protocol = "imap"; host = "127.0.0.1"; port = $imap; tls = "none";
    user = "ict\@example.fi"; password_file = "ict.pass"; poll = "5s";
    after = "move:Luukku/Done"; failed = "move:Luukku/Failed"; on_backlog = "normal"; },
  { name = "hr"; protocol = "pop3"; host = "127.0.0.1"; port = $pop3; tls = "none";
    user = "hr\@example.fi"; password_file = "hr.pass"; poll = "5s";
    after = "delete"; on_backlog = "normal"; }
CONF
	$mailboxes =~ s/\@IMAP\@/$imap/g;
	$mailboxes =~ s/\@POP3\@/$pop3/g;
	my $extra = $o->{extra} // '';
	$extra =~ s/\@LMTP\@/$self->{lmtp_port}/g;
	my $queues = $o->{queues} // <<'CONF';
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); notify = "none"; mass: { people = 0; }; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); notify = "none"; mass: { people = 0; }; }
CONF
	my $agents = $o->{agents} // <<'CONF';
  { name = "Aino Aalto"; address = "aino@example.fi"; },
  { name = "Bo Berg"; address = "bo@example.fi"; }
CONF
	my $user = getpwuid((unprivileged_ids())[0]);
	my $domain = $o->{domain} // 'example.fi';
	my $prefix = $o->{prefix} // 'TUKI';
	my $smtp_text = $o->{smtp} // <<"CONF";
  host = "127.0.0.1"; port = $smtp; tls = "none"; $login
  envelope_from = "luukku-bounces\@$domain"; connections = 1;
CONF
	my $text = <<"CONF";
site: { name = "Esimerkki Oy"; prefix = "$prefix"; domain = "$domain"; language = "fi";
  timezone = "Europe/Helsinki"; user = "$user"; key_file = "site.key"; run_dir = "run"; spool_dir = "spool";
@{[ $o->{site} // '' ]}
};
database: { conninfo = "$conninfo"; owner_conninfo = "$owner"; };
smtp: { $smtp_text };
mailboxes: ( $mailboxes );
agents: ( $agents );
queues: ( $queues );
$extra
CONF
	utf8::encode($text) if utf8::is_utf8($text);
	spew($self->conf, $text, 0600);
	$self->give_away($self->conf);
	return;
}

# --- leaks (Luukku::Test::Leaks) ---------------------------------------------------------------------

# More addresses that belong to the team: colleagues whom a rule forwards to, aliases, ...
sub insiders {
	my ($self, @addresses) = @_;
	$self->{insiders}{ lc $_ } = 1 for @addresses;
	return;
}

# That the check will say something that fits, and why that is meant to be.
sub expect_leak {
	my ($self, $pattern, $why) = @_;
	push @{ $self->{expected_leaks} }, { pattern => $pattern, why => $why };
	return;
}

# What the desk has sent so far: { rcpt => [..], data }.
sub mails_out {
	my ($self) = @_;
	return $self->{smtp}->mails if $self->{smtp};
	my @mails;
	my %is_ours = map { $_->[0] => 1 } $self->{db}->sql("SELECT header_message_id FROM outbox WHERE header_message_id <> ''");
	for my $user (@{ $self->{people} }) {
		for my $folder ('INBOX', $self->{dovecot}->folders($user)) {
			push @mails, map { { rcpt => [$user], data => $_ } }
				grep { (header($_, 'Message-ID') // '') =~ /<([^>]*)>/ && $is_ours{$1} }
				$self->{dovecot}->read_all($user, $folder);
		}
	}
	return @mails;
}

# Looks now at what went out, before it is forgotten. The test about it comes at the end of the
# program; leaks() is one at once.
sub look_for_leaks {
	my ($self) = @_;
	my $found = Luukku::Test::Leaks::find(db => $self->{db}, mails => [$self->mails_out],
		conf => slurp($self->conf), inside => [keys %{ $self->{insiders} // {} }]);
	Luukku::Test::Leaks::remember($self, $found);
	return;
}

sub leaks {
	my ($self, %option) = @_;
	$self->insiders(@{ $option{inside} // [] });
	$self->look_for_leaks;
	return Luukku::Test::Leaks::report($self);
}

# Empty tables, mailboxes and sink, with the servers still running.
sub start_over {
	my ($self) = @_;
	$self->look_for_leaks;
	$self->start_over_database;
	$self->{dovecot}->empty('ict@example.fi');
	$self->{dovecot}->empty('hr@example.fi');
	$self->{smtp}->clear if $self->{smtp};
	return;
}

sub start_over_database {
	my ($self) = @_;
	my $text = slurp($self->conf);
	my $old = $self->{db};
	$self->{db} = $self->{pg}->database;
	for my $kind (qw(owner_conninfo conninfo)) {
		my ($from, $to) = ($old->$kind, $self->{db}->$kind);
		$text =~ s/\Q$from\E/$to/g;
	}
	spew($self->conf, $text, 0600);
	$self->give_away($self->conf);
	return;
}

sub deliver {
	my ($self, $user, $mail, %option) = @_;
	return $self->{dovecot}->deliver("$user\@example.fi", $mail, %option);
}

sub once {
	my ($self, %option) = @_;
	return run([program('luukkud'), '-c', $self->conf, '--once'], seconds => 120, %option);
}

sub up {
	my ($self, %option) = @_;
	my $log = "$self->{dir}/luukkud.log";
	$self->{pid} = spawn(command => [program('luukkud'), '-c', $self->conf, '-f'], log => $log,
		env => $option{env});
	wait_until(sub {
		die "luukkud ended:\n" . slurp($log) if !is_running($self->{pid});
		my $status = -e "$self->{dir}/run/status.json" ? slurp("$self->{dir}/run/status.json") : '';
		$status =~ /"pid"\s*:\s*$self->{pid}\b/;
	}, 30, 'luukkud to come up') if !($option{no_wait});
	return $self->{pid};
}

sub is_up {
	my ($self) = @_;
	return $self->{pid} && is_running($self->{pid});
}

sub down {
	my ($self) = @_;
	stop_pid(delete $self->{pid}, 20) if $self->{pid};
	return;
}

# SIGKILL for luukkud and everything it started, at once.
sub kill_group {
	my ($self) = @_;
	my $pid = delete $self->{pid} // return;
	# Again and again: it may not have made its group yet.
	wait_until(sub { kill 'KILL', -$pid, $pid; !is_running($pid) }, 10, 'the death of luukkud');
	wait_until(sub { !kill 0, -$pid }, 10, 'the death of its children');
	return;
}

sub log {
	my ($self) = @_;
	my $path = "$self->{dir}/luukkud.log";
	return -e $path ? slurp($path) : '';
}

sub show_log {
	my ($self) = @_;
	log_as_comments('luukkud', "$self->{dir}/luukkud.log");
	return;
}

sub ctl {
	my ($self, @arguments) = @_;
	my %option = ref $arguments[-1] eq 'HASH' ? %{ pop @arguments } : ();
	return run([program('luukkuctl'), '-c', $self->conf, @arguments], %option);
}

sub json {
	my ($self, @arguments) = @_;
	my $done = $self->ctl(@arguments, '--json');
	die "luukkuctl @arguments: status $done->{status}: $done->{err}\n" if $done->{status} != 0;
	return JSON::PP->new->utf8->decode($done->{out});
}

1;
