package Luukku::Test::Dovecot;

# A private Dovecot (IMAP and POP3; plain, STARTTLS and implicit TLS) on free loopback ports, run
# by an unprivileged user whoever runs the test.
#
#   my $dovecot = Luukku::Test::Dovecot->start(
#           users => { 'ict@example.fi' => 'secret' },    # passwords
#           cert  => $tls->cert('good'));                 # see Luukku::Test::Tls; this is the default
#   $dovecot->port('imap')   also 'imaps', 'pop3', 'pop3s'; 'imap' and 'pop3' offer STARTTLS
#   $dovecot->deliver('ict@example.fi', $bytes, folder => 'INBOX', at => $epoch, flags => 'S')
#   $dovecot->list('ict@example.fi', 'INBOX')    files, oldest first; ->count(...); ->read_all(...)
#   $dovecot->folders('ict@example.fi')          names as clients see them
#   $dovecot->log                                everything it logged; ->show_log as TAP comments
#   $dovecot->stop
#
# Options of start: tls => 0 (no TLS at all), plaintext => 0 (no login without TLS),
# separator => '.' (between folder levels), settings => "more dovecot.conf lines", keep => DIR (a directory of one's own, kept), ports =>
# { imap => N, .. }.

use strict;
use warnings;
use Encode ();
use File::Path ();
use IO::Socket::INET;
use MIME::Base64 ();
use Time::HiRes qw(time);
use Luukku::Test::Proc qw(wait_until free_port spawn stop_pid is_running run_dir log_as_comments
	slurp unprivileged_ids);
use Luukku::Test::Tls;

my $instances = 0;

# Is what we need installed? Returns the missing Debian packages.
sub missing_packages {
	return grep { defined } (
		-x '/usr/sbin/dovecot'           ? undef : 'dovecot-core',
		-x '/usr/lib/dovecot/imap-login' ? undef : 'dovecot-imapd',
		-x '/usr/lib/dovecot/pop3-login' ? undef : 'dovecot-pop3d');
}

sub start {
	my ($class, %option) = @_;
	my $dir = $option{keep} // run_dir() . '/dovecot' . ++$instances;
	my ($uid, $gid) = unprivileged_ids();
	for my $sub ('', '/run', '/mail', '/state') {
		if (!-d "$dir$sub") {
			mkdir "$dir$sub", 0755 or die "$dir$sub: $!";
		}
		chown $uid, $gid, "$dir$sub";
	}
	my $self = bless {
		dir      => $dir,
		uid      => $uid,
		gid      => $gid,
		users    => { %{ $option{users} // {} } },
		port     => { map { $_ => $option{ports}{$_} // free_port() } qw(imap imaps pop3 pop3s) },
		log_file => "$dir/log",
		serial   => 0,
	}, $class;
	if (($option{tls} // 1) && !$option{cert}) {
		$option{cert} = Luukku::Test::Tls->new->cert('good');
	}
	$self->write_users;
	$self->write_config(%option);
	$self->launch;
	return $self;
}

sub launch {
	my ($self) = @_;
	# Dovecot opens its log as the user it runs as
	open my $log, '>>', $self->{log_file} or die "$self->{log_file}: $!";
	close $log;
	chown $self->{uid}, $self->{gid}, $self->{log_file};
	$self->{pid} = spawn(
		command      => ['/usr/sbin/dovecot', '-F', '-c', "$self->{dir}/dovecot.conf"],
		log          => "$self->{dir}/output",
		unprivileged => 1);
	eval {
		wait_until('Dovecot to answer', sub {
			die "Dovecot ended\n" if !is_running($self->{pid});
			return $self->answers('imap', qr/^\* OK/) && $self->answers('pop3', qr/^\+OK/);
		});
		1;
	} or do {
		my $why = $@;
		$self->show_log;
		die "Dovecot did not start: $why";
	};
	return;
}

sub answers {
	my ($self, $service, $greeting) = @_;
	my $socket = IO::Socket::INET->new(
		PeerAddr => '127.0.0.1', PeerPort => $self->{port}{$service}, Timeout => 5) or return 0;
	my $line = <$socket> // '';
	close $socket;
	return $line =~ $greeting;
}

sub write_users {
	my ($self) = @_;
	my $path = "$self->{dir}/users";
	open my $out, '>', "$path.new" or die "$path.new: $!";
	for my $user (sort keys %{ $self->{users} }) {
		# base64, so that a password may hold any character
		my $password = MIME::Base64::encode_base64(
			Encode::encode('UTF-8', $self->{users}{$user}), '');
		print $out "$user:{PLAIN.b64}$password\n";
	}
	close $out;
	rename "$path.new", $path or die "$path: $!";
	return;
}

# Adds a user or changes a password while Dovecot runs.
sub set_password {
	my ($self, $user, $password) = @_;
	$self->{users}{$user} = $password;
	$self->write_users;
	return;
}

sub write_config {
	my ($self, %option) = @_;
	my ($dir, $port) = @{$self}{qw(dir port)};
	my $user = getpwuid $self->{uid};
	my $group = getgrgid $self->{gid};
	my $ssl = 'ssl = no';
	if (my $cert = $option{cert}) {
		$ssl = "ssl = yes\nssl_cert = <$cert->{cert}\nssl_key = <$cert->{key}";
	}
	my $deny_plaintext = ($option{plaintext} // 1) ? 'no' : 'yes';
	my $more = $option{settings} // '';
	my $separator = $option{separator} // '/';
	my $implicit = $option{cert} ? sub {
		my ($name) = @_;
		return "inet_listener ${name}s {\n    port = $port->{\"${name}s\"}\n    ssl = yes\n  }";
	} : sub { return "inet_listener ${_[0]}s {\n    port = 0\n  }" };
	my ($imaps, $pop3s) = ($implicit->('imap'), $implicit->('pop3'));
	open my $out, '>', "$dir/dovecot.conf" or die "$dir/dovecot.conf: $!";
	print $out <<"END";
base_dir = $dir/run
state_dir = $dir/state
log_path = $self->{log_file}
instance_name = luukku-test
protocols = imap pop3
listen = 127.0.0.1
default_internal_user = $user
default_internal_group = $group
default_login_user = $user
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:~/Maildir
mail_max_userip_connections = 200
disable_plaintext_auth = $deny_plaintext
auth_mechanisms = plain login
auth_failure_delay = 0
auth_verbose = yes
mail_fsync = never
$ssl
passdb {
  driver = passwd-file
  args = username_format=%u $dir/users
}
userdb {
  driver = static
  args = uid=$self->{uid} gid=$self->{gid} home=$dir/mail/%u
}
namespace inbox {
  inbox = yes
  separator = $separator
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login {
  chroot =
  service_count = 0
  process_min_avail = 1
  inet_listener imap {
    port = $port->{imap}
  }
  $imaps
}
service pop3-login {
  chroot =
  service_count = 0
  inet_listener pop3 {
    port = $port->{pop3}
  }
  $pop3s
}
service stats {
  chroot =
}
service imap {
  client_limit = 1
}
service auth {
  user = $user
}
service auth-worker {
  user = $user
}
$more
END
	close $out;
	return;
}

sub port {
	my ($self, $service) = @_;
	return $self->{port}{$service} // die "no service $service\n";
}

# A folder name in IMAP's modified UTF-7 (RFC 3501 5.1.3) and back; Maildir stores it so.
sub encode_folder {
	my ($name) = @_;
	$name = Encode::decode('UTF-8', $name) if !utf8::is_utf8($name);
	$name =~ s{(&)|([^\x20-\x7e]+)}{
		if ($1) { '&-' }
		else {
			my $base64 = MIME::Base64::encode_base64(Encode::encode('UTF-16BE', $2), '');
			$base64 =~ tr{/}{,};
			$base64 =~ s/=+\z//;
			"&$base64-";
		}
	}gex;
	return $name;
}

sub decode_folder {
	my ($name) = @_;
	$name =~ s{&([^-]*)-}{
		my $base64 = $1;
		if ($base64 eq '') { '&' }
		else {
			$base64 =~ tr{,}{/};
			Encode::decode('UTF-16BE', MIME::Base64::decode_base64($base64));
		}
	}gex;
	return Encode::encode('UTF-8', $name);
}

sub maildir {
	my ($self, $user, $folder) = @_;
	my $root = "$self->{dir}/mail/$user/Maildir";
	return $root if !defined $folder || uc $folder eq 'INBOX';
	my $encoded = encode_folder($folder);
	$encoded =~ tr{/}{.};
	return "$root/.$encoded";
}

sub make_maildir {
	my ($self, $user, $folder) = @_;
	my $path = $self->maildir($user, $folder);
	return $path if $self->{made}{$path}++ && -d "$path/new";
	File::Path::make_path("$path/cur", "$path/new", "$path/tmp",
		{ owner => $self->{uid}, group => $self->{gid} });
	return $path;
}

# Puts a mail into a folder the way a delivery agent does. Options: folder, at (INTERNALDATE, an
# epoch), flags (Maildir letters: S seen, T trashed, ..). Returns the file's base name.
sub deliver {
	my ($self, $user, $bytes, %option) = @_;
	my $path = $self->make_maildir($user, $option{folder});
	my $name = sprintf '%.6f.P%dQ%06d.test', time, $$, ++$self->{serial};
	my $tmp = "$path/tmp/$name";
	open my $out, '>:raw', $tmp or die "$tmp: $!";
	print $out $bytes;
	close $out or die "$tmp: $!";
	chown $self->{uid}, $self->{gid}, $tmp;
	utime $option{at}, $option{at}, $tmp if defined $option{at};
	my $to = defined $option{flags} ? "$path/cur/$name:2,$option{flags}" : "$path/new/$name";
	rename $tmp, $to or die "$to: $!";
	return $name;
}

# Paths of the mails in a folder, oldest delivery first. Mails marked deleted count unless
# live => 1 is given.
sub list {
	my ($self, $user, $folder, %option) = @_;
	my $path = $self->maildir($user, $folder);
	my @found;
	for my $sub ('cur', 'new') {
		opendir my $handle, "$path/$sub" or next;
		push @found, map { "$path/$sub/$_" } grep { !/^\./ } readdir $handle;
	}
	@found = grep { !/:2,[A-Z]*T/ } @found if $option{live};
	my %key = map { my ($base) = m{([^/]+)\z}; ($_ => $base) } @found;
	return sort { $key{$a} cmp $key{$b} } @found;
}

sub count {
	my ($self, @arguments) = @_;
	my @found = $self->list(@arguments);
	return scalar @found;
}

sub read_all {
	my ($self, @arguments) = @_;
	return grep { defined } map { slurp($_) } $self->list(@arguments);
}

# Takes all mails and folders away from a user who is not logged in, as if new.
sub empty {
	my ($self, $user) = @_;
	File::Path::remove_tree("$self->{dir}/mail/$user");
	return;
}

# Which folders a user has besides INBOX, in UTF-8.
sub folders {
	my ($self, $user) = @_;
	opendir my $handle, $self->maildir($user) or return;
	return sort map { my $name = substr $_, 1; $name =~ tr{.}{/}; decode_folder($name) }
		grep { /^\.[^.]/ && -d $self->maildir($user) . "/$_/cur" } readdir $handle;
}

sub subscriptions {
	my ($self, $user) = @_;
	my @lines = split /\n/, slurp($self->maildir($user) . '/subscriptions') // '';
	shift @lines if @lines && $lines[0] =~ /^V\t/;
	return map { my $name = $_; $name =~ tr{\t}{/}; decode_folder($name) } grep { length } @lines;
}

# Gives a folder a new UIDVALIDITY, as a restored backup would.
sub new_uidvalidity {
	my ($self, $user, $folder) = @_;
	my $path = $self->maildir($user, $folder);
	unlink glob "'$path'/dovecot*";
	my $list = "$path/dovecot-uidlist";
	open my $out, '>', $list or die "$list: $!";
	print $out '3 V' . (int(time) + ++$self->{serial}) . " N1\n";
	close $out;
	chown $self->{uid}, $self->{gid}, $list;
	return;
}

sub log {
	my ($self) = @_;
	return slurp($self->{log_file}) // '';
}

# How often did somebody log in (or try and fail)? For "no credential was sent".
sub logins {
	my ($self) = @_;
	my @lines = grep { /-login: Info: Login: | auth: Info: |auth failed/ } split /\n/, $self->log;
	return @lines;
}

sub show_log {
	my ($self) = @_;
	log_as_comments('Dovecot output', "$self->{dir}/output");
	log_as_comments('Dovecot log', $self->{log_file});
	return;
}

# Stops Dovecot; ->launch starts it again with the same mails, users and ports.
sub stop {
	my ($self) = @_;
	stop_pid(delete $self->{pid});
	return;
}

1;
