package Luukku::Test::Clients;

# Mail clients of Debian, each composing by itself: whom an answer goes to, what is quoted and how,
# which headers it has are theirs. They hand in at 127.0.0.1 over SMTP.
#
#   my @names = Luukku::Test::Clients->names;       neomutt, alpine, s-nail, nmh, swaks
#   my $client = Luukku::Test::Clients->new('neomutt', name => 'Aino Aalto',
#           address => 'aino@example.fi', port => $postfix->port);
#   $client->compose($to, $subject, $text)
#   $client->reply($mail, $text)                    $mail: all bytes of what is answered
#   $client->reply($mail, $text, all => 1)          to everybody it names
#   $client->can_reply; $client->can_compose        swaks answers nothing; alpine is made to answer only
#
# Each has a home directory of its own. What needs a terminal has one (script, of bsdutils).

use strict;
use warnings;
use Encode ();
use File::Path ();
use Luukku::Test::Base qw(run spew slurp temp_dir need_packages wait_until);
use Luukku::Test::Proc qw(spawn stop_pid is_running);
use POSIX ();

my $homes = 0;
my %program = (neomutt => '/usr/bin/neomutt', alpine => '/usr/bin/alpine', 's-nail' => '/usr/bin/s-nail',
	nmh => '/usr/bin/mh/repl', swaks => '/usr/bin/swaks');

sub names { return sort keys %program }

sub need { return need_packages(%program) }

sub new {
	my ($class, $client, %option) = @_;
	my $home = temp_dir() . '/home' . ++$homes;
	File::Path::make_path($home);
	my $self = bless { client => $client, home => $home, %option }, $class;
	$self->{from} = "$option{name} <$option{address}>";
	(my $set_up = "set_up_$client") =~ tr/-/_/;
	$self->$set_up;
	return $self;
}

sub can_reply { return $_[0]->can('reply_' . $_[0]{client} =~ tr/-/_/r) }
sub can_compose { return $_[0]->can('compose_' . $_[0]{client} =~ tr/-/_/r) }

sub call {
	my ($self, $what, @arguments) = @_;
	(my $method = "${what}_$self->{client}") =~ tr/-/_/;
	my $done = $self->$method(@arguments);
	die "$self->{client} could not: status $done->{status}\n$done->{out}$done->{err}\n"
		if $done->{status} != 0 || $done->{timed_out};
	return;
}

sub compose {
	my ($self, $to, $subject, $text) = @_;
	return $self->call('compose', $to, $subject, $text);
}

sub reply {
	my ($self, $mail, $text, %option) = @_;
	return $self->call('reply', $mail, $text, %option);
}

# Runs it in its home, without anything of ours in the environment.
sub launch {
	my ($self, $command, %option) = @_;
	return run($command, dir => $self->{home}, seconds => 60, in => $option{in} // '', env => {
			HOME => $self->{home}, LANG => 'C.UTF-8', LC_ALL => 'C.UTF-8', TERM => 'vt100', EMAIL => undef,
			MAILRC => undef, MH => undef, LINES => 40, COLUMNS => 100, %{ $option{env} // {} } });
}

# The same at a terminal.
sub launch_at_terminal {
	my ($self, $command, %option) = @_;
	my $line = join ' ', map { my $word = $_; $word =~ s/'/'\\''/g; "'$word'" } @$command;
	return $self->launch(['/usr/bin/script', '-qec', "stty rows 40 cols 100; exec $line", "$self->{home}/terminal"], %option);
}

# At a terminal, too: waits for each pattern on the screen, then types.
sub drive {
	my ($self, $command, @steps) = @_;
	my ($fifo, $screen) = ("$self->{home}/keys", "$self->{home}/terminal");
	unlink $fifo, $screen;
	POSIX::mkfifo($fifo, 0600) or die "$fifo: $!";
	open my $keys, '+<', $fifo or die "$fifo: $!";
	my $line = join ' ', map { "'$_'" } @$command;
	my $pid = spawn(command => ['/usr/bin/script', '-qefc', "stty rows 40 cols 100; exec $line", $screen],
		stdin => $fifo, log => "$self->{home}/output", env => { HOME => $self->{home}, TERM => 'vt100',
			LANG => 'C.UTF-8', LC_ALL => 'C.UTF-8' });
	my $done = eval {
		my $seen = 0;
		for my $step (@steps) {
			my ($pattern, $text) = @$step;
			wait_until(sub { substr(-e $screen ? slurp($screen) : '', $seen) =~ $pattern }, 30, "$pattern at $command->[0]");
			# Keys that come while it draws are forgotten: it must have redrawn when asked to.
			wait_until(sub {
				$seen = length slurp($screen);
				syswrite $keys, "\cL";
				eval { wait_until(sub { length slurp($screen) > $seen }, 0.2); 1 };
			}, 30, "$command->[0] to listen");
			$seen = length slurp($screen);
			syswrite $keys, $text =~ tr/\n/\r/r;
		}
		wait_until(sub { !is_running($pid) }, 30, "the end of $command->[0]");
		1;
	};
	my $why = $@;
	stop_pid($pid, 2);
	return { status => $done ? 0 : 1, out => -e $screen ? slurp($screen) : '', err => $why };
}

sub unix_lines {
	my ($mail) = @_;
	$mail =~ s/\r\n/\n/g;
	return $mail;
}

# One mail as a folder.
sub make_mbox {
	my ($self, $mail) = @_;
	my $text = unix_lines($mail);
	$text =~ s/^(>*From )/>$1/mg;
	spew("$self->{home}/box", "From somebody Fri Nov 20 09:00:00 2026\n$text\n", 0600);
	return "$self->{home}/box";
}

# An editor that writes the text above what the client quotes.
sub make_editor {
	my ($self, $text) = @_;
	spew("$self->{home}/words", Encode::encode('UTF-8', $text), 0600);
	spew("$self->{home}/editor", <<'END', 0755);
#!/bin/sh
# The words come above the quoted text, below what stands up to the first empty line of headers.
for file; do :; done
if [ "$KEEP_HEADERS" = 1 ]; then
	{ sed '/^$/q; /^--------$/q' "$file"; cat "$HOME/words"; sed '1,/^\(--------\)\{0,1\}$/d' "$file"; } >"$file.new"
else
	{ cat "$HOME/words"; echo; cat "$file"; } >"$file.new"
fi
cat "$file.new" >"$file"
rm -f "$file.new"
END
	return "$self->{home}/editor";
}

# --- neomutt -----------------------------------------------------------------------------------------

sub set_up_neomutt {
	my ($self) = @_;
	spew("$self->{home}/rc", <<"END");
set realname = "$self->{name}"
set from = "$self->{address}"
set use_from = yes
set smtp_url = "smtp://127.0.0.1:$self->{port}"
set ssl_starttls = no
set ssl_force_tls = no
set reply_to = yes
set folder = "$self->{home}"
set record = ""
set copy = no
set autoedit = yes
set fast_reply = yes
set include = yes
set abort_unmodified = no
set abort_noattach = no
set sendmail_wait = 0
set wait_key = no
set confirmappend = no
set mark_old = no
set quit = yes
set reply_self = yes
set send_charset = "us-ascii:utf-8"
END
	return;
}

sub compose_neomutt {
	my ($self, $to, $subject, $text) = @_;
	return $self->launch(['neomutt', '-n', '-F', "$self->{home}/rc", '-s', $subject, '--', $to],
		in => Encode::encode('UTF-8', $text));
}

sub reply_neomutt {
	my ($self, $mail, $text, %option) = @_;
	my $editor = $self->make_editor($text);
	my $key = $option{all} ? '<group-reply>' : '<reply>';
	return $self->launch_at_terminal(['neomutt', '-n', '-F', "$self->{home}/rc", '-f', $self->make_mbox($mail),
			'-e', "set editor='$editor'", '-e', "push '$key<send-message><quit>'"]);
}

# --- s-nail ------------------------------------------------------------------------------------------

sub set_up_s_nail {
	my ($self) = @_;
	spew("$self->{home}/.mailrc", <<"END");
set v15-compat
set from="$self->{from}"
set mta=smtp://127.0.0.1:$self->{port} smtp-auth=none
set ttycharset=utf-8 sendcharsets=utf-8
set indentprefix="> " dot nosave fullnames
set reply-to-honour reply-in-same-charset
set hold keepsave
END
	return;
}

sub compose_s_nail {
	my ($self, $to, $subject, $text) = @_;
	return $self->launch(['s-nail', '-n', '-s', $subject, $to], in => Encode::encode('UTF-8', $text),
		env => { MAILRC => "$self->{home}/.mailrc" });
}

# The words are typed above the quotation, which ~m puts in.
sub reply_s_nail {
	my ($self, $mail, $text, %option) = @_;
	my $words = Encode::encode('UTF-8', $text);
	$words =~ s/^([~.])/~$1/mg;
	$words .= "\n" if $words !~ /\n\z/;
	my $command = $option{all} ? 'reply' : 'Reply';
	return $self->launch(['s-nail', '-n', '-#', '-S', 'noquote', '-f', $self->make_mbox($mail)],
		in => "$command 1\n${words}~Q 1\n.\nxit\n", env => { MAILRC => "$self->{home}/.mailrc" });
}

# --- alpine ------------------------------------------------------------------------------------------

sub set_up_alpine {
	my ($self) = @_;
	spew("$self->{home}/pinerc", <<"END");
personal-name=$self->{name}
user-domain=@{[ $self->{address} =~ s/.*@//r ]}
customized-hdrs=From: $self->{from}
smtp-server=127.0.0.1:$self->{port}/notls
inbox-path=$self->{home}/box
default-fcc=""
folder-collections=Mail $self->{home}/mail/[]
feature-list=include-text-in-reply,
	allow-changing-from,
	quit-without-confirm,
	send-without-confirm,
	reply-always-uses-reply-to,
	no-save-will-quote-leading-froms,
	disable-save-input-history
last-version-used=7.00
character-set=UTF-8
posting-character-set=UTF-8
last-time-prune-questioned=126.11
END
	File::Path::make_path("$self->{home}/mail");
	$self->make_mbox('');
	return;
}

sub reply_alpine {
	my ($self, $mail, $text, %option) = @_;
	$self->make_mbox($mail);
	return $self->drive(['alpine', '-p', "$self->{home}/pinerc", '-I', 'i,r'],
		[qr/Reply to all recipients/, $option{all} ? 'y' : 'n'],
		[qr/Message Text/, Encode::encode('UTF-8', $text) . "\cX"], [qr/Message sent|Answered/i, 'q']);
}

# --- nmh ---------------------------------------------------------------------------------------------

sub set_up_nmh {
	my ($self) = @_;
	File::Path::make_path("$self->{home}/Mail/inbox");
	spew("$self->{home}/.mh_profile", <<"END");
Path: $self->{home}/Mail
Local-Mailbox: $self->{from}
Signature: $self->{name}
send: -mts smtp -server 127.0.0.1 -port $self->{port} -notls -nosasl -mime
repl: -nocc all -format -filter mhl.reply
END
	return;
}

# Says "send" at the question what now.
sub send_nmh {
	my ($self, $command) = @_;
	return $self->launch($command, in => "send\n", env => { KEEP_HEADERS => 1, PATH => "/usr/bin/mh:$ENV{PATH}" });
}

sub compose_nmh {
	my ($self, $to, $subject, $text) = @_;
	spew("$self->{home}/form", Encode::encode('UTF-8', "From: $self->{from}\nTo: $to\nSubject: $subject\n--------\n"), 0600);
	return $self->send_nmh(['/usr/bin/mh/comp', '-form', "$self->{home}/form", '-editor', $self->make_editor($text)]);
}

sub reply_nmh {
	my ($self, $mail, $text, %option) = @_;
	spew("$self->{home}/Mail/inbox/1", unix_lines($mail), 0600);
	return $self->send_nmh(['/usr/bin/mh/repl', '+inbox', '1', $option{all} ? ('-cc', 'all') : (),
			'-editor', $self->make_editor($text)]);
}

# --- swaks -------------------------------------------------------------------------------------------

sub set_up_swaks { return }

sub compose_swaks {
	my ($self, $to, $subject, $text) = @_;
	spew("$self->{home}/words", Encode::encode('UTF-8', $text), 0600);
	return $self->launch(['swaks', '--silent', '2', '--server', '127.0.0.1', '--port', $self->{port}, '--from', $self->{address},
			'--to', $to, '--header', 'From: ' . Encode::encode('MIME-Q', $self->{name}) . " <$self->{address}>",
			'--header', 'Subject: ' . Encode::encode('MIME-Q', $subject), '--header', 'MIME-Version: 1.0',
			'--header', 'Content-Type: text/plain; charset=utf-8', '--header', 'Content-Transfer-Encoding: 8bit',
			'--body', "\@$self->{home}/words"]);
}

1;
