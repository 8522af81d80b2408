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
# Options of start: mailboxes => TEXT, site => TEXT, smtp => TEXT, agents => TEXT, queues => TEXT, extra => TEXT
# (configuration, in place of the default or on top of it), pg => Luukku::Test::Pg.

use strict;
use warnings;
use Exporter 'import';
use Encode ();
use JSON::PP ();
use Luukku::Test::Base qw(run wait_until program slurp spew);
use Luukku::Test::Dovecot;
use Luukku::Test::Pg;
use Luukku::Test::Proc qw(spawn stop_pid is_running run_dir log_as_comments unprivileged_ids);
use Luukku::Test::Smtp;
use MIME::Base64 ();
use MIME::QuotedPrint ();
use POSIX ();
use Test::More ();

our @EXPORT_OK = qw(mail header parts);

my $desks = 0;
my $mails = 0;

sub start {
	my ($class, %option) = @_;
	my @missing = (Luukku::Test::Dovecot::missing_packages(), Luukku::Test::Pg::missing_packages());
	Luukku::Test::Base::skip_or_die("Debian packages are missing: @missing") if @missing;
	program($_) for qw(luukkud luukkuctl luukku-fetch luukku-parse luukku-send luukku-sched luukku-lmtp luukku-web);
	my $self = bless { option => \%option, dir => run_dir() . '/desk' . ++$desks }, $class;
	mkdir $_, 0700 or die "$_: $!" for $self->{dir}, map { "$self->{dir}/$_" } qw(run spool);
	$self->{pg} = $option{pg} // Luukku::Test::Pg->start;
	$self->{db} = $self->{pg}->database;
	$self->{dovecot} = Luukku::Test::Dovecot->start(
		users => { 'ict@example.fi' => 'ict secret', 'hr@example.fi' => 'hr secret' });
	$self->{smtp} = Luukku::Test::Smtp->start(
		user => 'luukku', password => 'smtp secret', plaintext_auth => 1);
	spew("$self->{dir}/site.key", join('', map { sprintf '%02x', int rand 256 } 1 .. 32) . "\n", 0600);
	spew("$self->{dir}/$_.pass", "$_ secret\n", 0600) for qw(ict hr smtp);
	$self->give_away($self->{dir}, map { "$self->{dir}/$_" } qw(run spool site.key ict.pass hr.pass smtp.pass));
	$self->configure;
	return $self;
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
sub conf    { return "$_[0]{dir}/luukku.conf" }

# Writes the configuration; options replace those of start.
sub configure {
	my ($self, %option) = @_;
	%{ $self->{option} } = (%{ $self->{option} }, %option);
	my $o = $self->{option};
	my ($imap, $pop3, $smtp) = ($self->{dovecot}->port('imap'), $self->{dovecot}->port('pop3'),
		$self->{smtp}->port);
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
	my $queues = $o->{queues} // <<'CONF';
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); notify = "none"; mass: { people = 0; }; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); notify = "none"; mass: { people = 0; }; }
CONF
	my $agents = $o->{agents} // <<'CONF';
  { name = "Aino Aalto"; address = "aino@example.fi"; },
  { name = "Bo Berg"; address = "bo@example.fi"; }
CONF
	my $user = getpwuid((unprivileged_ids())[0]);
	my $smtp_text = $o->{smtp} // <<"CONF";
  host = "127.0.0.1"; port = $smtp; tls = "none"; auth = "plain"; user = "luukku";
  password_file = "smtp.pass"; envelope_from = "luukku-bounces\@example.fi"; connections = 1;
CONF
	my $text = <<"CONF";
site: { name = "Esimerkki Oy"; prefix = "TUKI"; domain = "example.fi"; language = "fi";
  timezone = "Europe/Helsinki"; user = "$user"; key_file = "site.key"; run_dir = "run"; spool_dir = "spool";
@{[ $o->{site} // '' ]}
};
database: { conninfo = "$conninfo"; owner_conninfo = "$owner"; };
smtp: { $smtp_text };
mailboxes: ( $mailboxes );
agents: ( $agents );
queues: ( $queues );
@{[ $o->{extra} // '' ]}
CONF
	utf8::encode($text) if utf8::is_utf8($text);
	spew($self->conf, $text, 0600);
	$self->give_away($self->conf);
	return;
}

# Addresses of the members of one list of the configuration.
sub addresses_in {
	my ($self, $list) = @_;
	my ($text) = slurp($self->conf) =~ /^\s*$list\s*[:=]\s*(\((?:[^()"]|"[^"]*"|(?1))*\))/m;
	return map { lc } ($text // '') =~ /"([^"\s]+@[^"\s]+)"/g;
}

# What is said inside: notes of the team, words of suppliers and of those who were asked; lines long
# enough to be nobody else's, unless the customer was told or wrote the same.
sub inside_words {
	my ($self) = @_;
	my %seen;
	for my $row ($self->{db}->sql("SELECT direction, coalesce(reply_text, text, '') FROM message")) {
		my ($direction, $words) = @$row;
		$words = Encode::decode('UTF-8', $words) if !utf8::is_utf8($words);
		for my $line (split /\R/, $words) {
			$line =~ s/^[\s>#]+|\s+$//g;
			next if length $line < 12;
			$seen{$line} .= $direction eq 'note' ? 'i' : 'o';
		}
	}
	return grep { $seen{$_} !~ /o/ } keys %seen;
}

# Checks every mail that the sink got for people outside the team, as one test: no agent's address, no
# note, no word or address of a supplier or of somebody who was asked, no header of ours for the team,
# no reply address that was made for another recipient. Before start_over, which forgets them.
# inside => [..]: more addresses that belong to the team.
sub leaks {
	my ($self, %option) = @_;
	my %inside = map { lc $_ => 1 } @{ $option{inside} // [] }, map { $self->addresses_in($_) } qw(agents suppliers);
	$inside{ lc $_->[0] } = 1 for $self->{db}->sql('SELECT DISTINCT address FROM consultation');
	my @mails = $self->{smtp}->mails;
	my %made_for;
	for my $mail (@mails) {
		my $reply_to = header($mail->{data}, 'Reply-To') // next;
		$made_for{$_}{ lc $mail->{rcpt}[0] } = 1 for $reply_to =~ /(\S+\+[a-z2-7]{36}@)/g;
	}
	my @words = $self->inside_words;
	my @found;
	my $n = 0;
	for my $mail (@mails) {
		my $to = lc $mail->{rcpt}[0];
		next if $inside{$to};
		$n++;
		my $all = join "\n", $mail->{data}, map { $_->{head} . "\n" . $_->{text} } parts($mail->{data});
		# A token may end like somebody's name: "ict+...bo@example.fi".
		push @found, "$to got the address $_" for grep { $all =~ /(?<![\w.+-])\Q$_\E/i } keys %inside;
		push @found, "$to got a header $1" if $mail->{data} =~ /^(X-Luukku[^:\r\n]*|List-Id):/mi;
		push @found, "$to got the words \"$_\"" for grep { index($all, $_) >= 0 } @words;
		push @found, map { "$to got the reply address of " . join ' ', keys %{ $made_for{$_} } }
			grep { $all =~ /\Q$_\E/i && !$made_for{$_}{$to} } keys %made_for;
		push @found, "several people have one mail: @{ $mail->{rcpt} }" if @{ $mail->{rcpt} } > 1;
	}
	my $good = Test::More::is(scalar @found, 0, "nothing of the inside in the $n mails to people outside");
	Test::More::diag(Encode::encode('UTF-8', $_)) for @found;
	return $good;
}

# Empty tables, mailboxes and sink, with the servers still running.
sub start_over {
	my ($self) = @_;
	$self->start_over_database;
	$self->{dovecot}->empty('ict@example.fi');
	$self->{dovecot}->empty('hr@example.fi');
	$self->{smtp}->clear;
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

# A mail of a person. Options: from, to, subject, id, date (text), headers (lines), text.
sub mail {
	my (%option) = @_;
	my $n = ++$mails;
	my $id = $option{id} // "mail$n.$$\@asiakas.example";
	my $date = $option{date} // POSIX::strftime('%a, %d %b %Y %H:%M:%S +0000', gmtime(time - 60));
	my $from = $option{from} // "Asiakas $n <asiakas$n\@asiakas.example>";
	my $to = $option{to} // 'ict@example.fi';
	my $subject = $option{subject} // "Tulostin $n ei toimi";
	my $text = $option{text} // "Hei,\n\ntulostin numero $n ei tulosta. Voitteko auttaa?\n";
	my $headers = $option{headers} // '';
	$headers =~ s/\n/\r\n/g;
	my $mail = "From: $from\r\nTo: $to\r\nSubject: $subject\r\nMessage-ID: <$id>\r\nDate: $date\r\n"
		. "MIME-Version: 1.0\r\n$headers"
		. ($headers =~ /^Content-Type:/mi ? '' : "Content-Type: text/plain; charset=utf-8\r\n");
	$text =~ s/\r?\n/\r\n/g;
	return "$mail\r\n$text";
}

# The value of a mail's header, unfolded; the first of that name.
sub header {
	my ($mail, $name) = @_;
	my ($head) = split /\r?\n\r?\n/, $mail, 2;
	$head =~ s/\r?\n[ \t]+/ /g;
	return $head =~ /^\Q$name\E:[ \t]*(.*?)\r?$/mi ? $1 : undef;
}

# The leaves of a mail with their bytes decoded: { type, head, text (characters, or bytes of what is no
# text), name }; encoded words of headers are decoded, too.
sub parts {
	my ($mail) = @_;
	my ($head, $body) = split /\r?\n\r?\n/, $mail, 2;
	$body //= '';
	$head =~ s/\r?\n[ \t]+/ /g;
	my ($type) = $head =~ /^Content-Type:\s*([^\s;]+)/mi;
	$type = lc($type // 'text/plain');
	my $shown = Encode::decode('MIME-Header', $head);
	if ($type =~ m{^multipart/} && $head =~ /boundary="?([^";\s]+)"?/i) {
		my $boundary = $1;
		my (undef, @inner) = split /^--\Q$boundary\E(?:--)?[ \t]*\r?\n/m, "$body\n";
		my @leaves = map { parts($_) } grep { /\S/ } @inner;
		$leaves[0]{head} = "$shown\n$leaves[0]{head}" if @leaves;
		return @leaves;
	}
	my ($encoding) = $head =~ /^Content-Transfer-Encoding:\s*(\S+)/mi;
	$encoding = lc($encoding // '');
	my $bytes = $encoding eq 'base64' ? MIME::Base64::decode_base64($body)
		: $encoding eq 'quoted-printable' ? MIME::QuotedPrint::decode_qp($body)
		: $body;
	$bytes = Encode::decode('UTF-8', $bytes) if $type =~ m{^text/};
	$bytes =~ s/\r\n/\n/g if $type =~ m{^text/};
	my ($name) = $head =~ /filename="?([^";\r\n]+)"?/i;
	return { type => $type, head => $shown, text => $bytes, name => $name };
}

1;
