package Luukku::Test::Browser;

# A headless Chromium, driven by the DevTools protocol over a pipe (fds 3 and 4, JSON with NUL
# between). It reaches loopback and files alone, and runs as `nobody` when root tests.
#
#   use Luukku::Test::Browser;        skips (or dies) when there is no Chromium
#   my $browser = Luukku::Test::Browser->start;
#   my $page = $browser->page(width => 320, height => 640, dark => 1);
#   $page->open('http://127.0.0.1:8025/...');   until its load event; dies when it cannot be had
#   $page->view(width => 800, dark => 0);       changes what is given, keeps the rest
#   $page->eval('document.title')               the value, by JSON; a promise is awaited
#   $page->screenshot($path, full => 1)         PNG; full: all of the page, not the view alone
#   $page->press('Tab', 'Enter', 'Space')       key presses; a key's name or one character
#   $page->type('words')                        characters into what has the focus
#   $page->click('#id')                         a real click into the middle of the element
#   $page->wait('document.readyState === ..')   until it is true
#   $page->requests                             [{url, method, type, status, error}] since open
#   $page->problems                             words: exceptions, errors of the console, what the
#                                               Content-Security-Policy refused; since open
#   $page->set_headers(Name => VALUE)           sent with every request from then on
#   $page->scripts(0)                   the page's own scripts do not run (eval still does)
#   $page->contents($html)                      shows these bytes as a file
#   $page->close; $browser->stop

use strict;
use warnings;
use IO::Select;
use JSON::PP ();
use Luukku::Test::Base qw(need_packages);
use Luukku::Test::Proc qw(spawn stop_pid is_running run_dir log_as_comments unprivileged_ids);
use Time::HiRes qw(time);

my $program = '/usr/bin/chromium';
my $seconds = 60;    # one command, on a machine that does much else

sub import {
	need_packages(chromium => $program);
	return;
}

# Nothing of Chromium's own may go out, and no name but this machine's has an address.
my @quiet = (qw(--headless=new --no-sandbox --disable-gpu --no-first-run --hide-scrollbars
	--disable-background-networking --disable-component-update --disable-default-apps
	--disable-extensions --disable-sync --disable-dev-shm-usage --metrics-recording-only
	--no-default-browser-check --force-color-profile=srgb --font-render-hinting=none
	--lang=en-US), '--disable-features=Translate,OptimizationHints,MediaRouter');

sub start {
	my ($class, %option) = @_;
	my $dir = run_dir() . '/browser-' . int rand 1e9;
	mkdir $dir, 0755 or die "$dir: $!";
	my ($uid, $gid) = unprivileged_ids();
	if ($> == 0) {
		chown $uid, $gid, $dir or die "chown $dir: $!";
	}
	pipe my $their_in, my $to or die "pipe: $!";
	pipe my $from, my $their_out or die "pipe: $!";
	my @command = ($program, @quiet, "--user-data-dir=$dir/profile",
		"--disk-cache-dir=$dir/cache", '--remote-debugging-pipe',
		'--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
		@{ $option{arguments} // [] }, 'about:blank');
	my $pid = spawn(command => \@command, log => "$dir.log", unprivileged => 1,
		env => { HOME => $dir, TMPDIR => $dir, XDG_RUNTIME_DIR => $dir, TZ => 'UTC',
			DBUS_SESSION_BUS_ADDRESS => 'unix:path=/nonexistent' },
		fds => { 3 => $their_in, 4 => $their_out });
	close $their_in;
	close $their_out;
	binmode $to;
	binmode $from;
	return bless { pid => $pid, dir => $dir, log => "$dir.log", to => $to, from => $from,
		buffer => '', next => 1, pages => {}, n => 0 }, $class;
}

sub stop {
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	eval { $self->send_command('Browser.close'); 1 } or warn $@;
	close $self->{to};
	close $self->{from};
	stop_pid($pid, 10);
	return;
}

sub DESTROY {
	my ($self) = @_;
	local ($@, $?, $!);
	stop_pid($self->{pid}, 5) if $self->{pid};
	return;
}

# --- the pipe --------------------------------------------------------------------------------

sub send_command {
	my ($self, $method, $params, $session) = @_;
	my $id = $self->{next}++;
	my $command = { id => $id, method => $method, params => $params // {},
		$session ? (sessionId => $session) : () };
	my $bytes = JSON::PP->new->utf8->encode($command) . "\0";
	local $SIG{PIPE} = 'IGNORE';
	while (length $bytes) {
		my $n = syswrite $self->{to}, $bytes;
		die "the browser is gone: $!\n" if !defined $n;
		substr $bytes, 0, $n, '';
	}
	return $id;
}

# One message that has come, or undef after the deadline.
sub read_message {
	my ($self, $deadline) = @_;
	my $end;
	while (($end = index $self->{buffer}, "\0") < 0) {
		my $left = $deadline - time;
		return if $left <= 0;
		next if !IO::Select->new($self->{from})->can_read($left);
		my $n = sysread $self->{from}, $self->{buffer}, 1 << 20, length $self->{buffer};
		if (!$n) {
			log_as_comments('chromium', $self->{log});
			die "the browser has ended\n";
		}
	}
	my $bytes = substr $self->{buffer}, 0, $end + 1, '';
	chop $bytes;
	return JSON::PP->new->utf8->decode($bytes);
}

# Events go to their page's list.
sub take_event {
	my ($self, $message) = @_;
	my $page = $self->{pages}{ $message->{sessionId} // '' } or return;
	$page->take_event($message->{method}, $message->{params});
	return;
}

# Sends a command and waits for its answer.
sub call {
	my ($self, $method, $params, $session) = @_;
	my $id = $self->send_command($method, $params, $session);
	my $deadline = time + $seconds;
	while (1) {
		my $message = $self->read_message($deadline)
			or die "the browser does not answer $method within $seconds s\n";
		if (!defined $message->{id}) {
			$self->take_event($message);
			next;
		}
		next if $message->{id} != $id;
		die "$method: $message->{error}{message}\n" if $message->{error};
		return $message->{result};
	}
}

# Reads events until the condition holds.
sub await {
	my ($self, $what, $condition) = @_;
	my $deadline = time + $seconds;
	while (!$condition->()) {
		my $message = $self->read_message($deadline) or die "gave up waiting: $what\n";
		$self->take_event($message) if !defined $message->{id};
	}
	return;
}

# --- pages -----------------------------------------------------------------------------------

sub page {
	my ($self, %view) = @_;
	my $target = $self->call('Target.createTarget', { url => 'about:blank' })->{targetId};
	my $session = $self->call('Target.attachToTarget',
		{ targetId => $target, flatten => JSON::PP::true })->{sessionId};
	my $page = bless { browser => $self, target => $target, session => $session,
		width => 800, height => 600, dark => 0, scale => 1 }, 'Luukku::Test::Browser::Page';
	$self->{pages}{$session} = $page;
	$page->forget;
	$page->call("$_.enable") for qw(Page Network Runtime Log);
	$page->call('Network.setCacheDisabled', { cacheDisabled => JSON::PP::true });
	$page->view(%view);
	return $page;
}

package Luukku::Test::Browser::Page;

use strict;
use warnings;
use JSON::PP ();
use Luukku::Test::Base qw(spew wait_until);
use MIME::Base64 qw(decode_base64);

sub call {
	my ($self, $method, $params) = @_;
	return $self->{browser}->call($method, $params, $self->{session});
}

sub forget {
	my ($self) = @_;
	$self->{requests} = {};
	$self->{order} = [];
	$self->{problems} = [];
	$self->{loads} = 0;
	return;
}

sub console_words {
	my ($params) = @_;
	return join ' ', map { $_->{value} // $_->{description} // '?' } @{ $params->{args} };
}

my %on = (
	'Page.loadEventFired' => sub { $_[0]{loads}++ },
	'Network.requestWillBeSent' => sub {
		my ($self, $p) = @_;
		my $id = "$p->{requestId} $p->{request}{url}";    # a redirect keeps its id
		push @{ $self->{order} }, $id if !$self->{requests}{$id};
		$self->{requests}{$id} = { url => $p->{request}{url}, type => $p->{type},
			method => $p->{request}{method} };
		$self->{newest}{ $p->{requestId} } = $id;
	},
	'Network.responseReceived' => sub {
		my ($self, $p) = @_;
		my $id = $self->{newest}{ $p->{requestId} } // '';
		return if !$self->{requests}{$id};
		$self->{requests}{$id}{status} = $p->{response}{status};
		$self->{requests}{$id}{headers} =
			{ map { lc($_) => $p->{response}{headers}{$_} } keys %{ $p->{response}{headers} } };
	},
	'Network.loadingFailed' => sub {
		my ($self, $p) = @_;
		my $id = $self->{newest}{ $p->{requestId} } // '';
		return if !$self->{requests}{$id};
		$self->{requests}{$id}{error} = $p->{blockedReason} // $p->{errorText};
	},
	'Runtime.exceptionThrown' => sub {
		my ($self, $p) = @_;
		my $details = $p->{exceptionDetails};
		push @{ $self->{problems} },
			"exception: " . ($details->{exception}{description} // $details->{text});
	},
	'Runtime.consoleAPICalled' => sub {
		my ($self, $p) = @_;
		push @{ $self->{problems} }, 'console: ' . console_words($p)
			if $p->{type} eq 'error' || $p->{type} eq 'assert';
	},
	'Log.entryAdded' => sub {
		my ($self, $p) = @_;
		push @{ $self->{problems} }, "$p->{entry}{source}: $p->{entry}{text}"
			if $p->{entry}{level} eq 'error';
	},
);

sub take_event {
	my ($self, $method, $params) = @_;
	my $handler = $on{$method} or return;
	$handler->($self, $params);
	return;
}

sub view {
	my ($self, %view) = @_;
	$self->{$_} = $view{$_} for keys %view;
	$self->call('Emulation.setDeviceMetricsOverride', { width => $self->{width} + 0,
		height => $self->{height} + 0, deviceScaleFactor => $self->{scale} + 0,
		mobile => JSON::PP::false });
	$self->call('Emulation.setEmulatedMedia', { features => [
		{ name => 'prefers-color-scheme', value => $self->{dark} ? 'dark' : 'light' } ] });
	return;
}

sub open {
	my ($self, $url) = @_;
	$self->forget;
	my $answer = $self->call('Page.navigate', { url => $url });
	die "$url: $answer->{errorText}\n" if $answer->{errorText};
	$self->{browser}->await("$url is loaded", sub { $self->{loads} > 0 });
	return $self;
}

# The same, again while the server says that it will be there later (503): on a busy machine a
# database may be slow to answer.
sub open_served {
	my ($self, $url) = @_;
	wait_until("$url to be served", sub {
		$self->open($url);
		return !grep { /status of 503/ } $self->problems;
	});
	return $self;
}

sub contents {
	my ($self, $html) = @_;
	my $path = "$self->{browser}{dir}/shown-" . $self->{browser}{n}++ . '.html';
	spew($path, $html, 0644);
	$self->open("file://$path");
	unlink $path;
	return $self;
}

sub eval {
	my ($self, $script) = @_;
	my $answer = $self->call('Runtime.evaluate', { expression => $script,
		returnByValue => JSON::PP::true, awaitPromise => JSON::PP::true,
		userGesture => JSON::PP::true });
	if (my $details = $answer->{exceptionDetails}) {
		die "eval: ", $details->{exception}{description} // $details->{text}, "\n";
	}
	return $answer->{result}{value};
}

sub wait {
	my ($self, $condition, $seconds) = @_;
	# A page that is being left cannot answer.
	return wait_until(sub { CORE::eval { $self->eval("!!($condition)") } }, $seconds,
		$condition);
}

sub screenshot {
	my ($self, $path, %option) = @_;
	my %params = (format => 'png', optimizeForSpeed => JSON::PP::true);
	if ($option{full}) {
		my $size = $self->call('Page.getLayoutMetrics')->{cssContentSize};
		$params{clip} = { x => 0, y => 0, width => $self->{width} + 0,
			height => $size->{height} + 0, scale => 1 };
		$params{captureBeyondViewport} = JSON::PP::true;
	}
	my $bytes = decode_base64($self->call('Page.captureScreenshot', \%params)->{data});
	spew($path, $bytes) if defined $path;
	return $bytes;
}

# --- hands -----------------------------------------------------------------------------------

# name => [code, virtual key, text]
my %keys = (
	Tab => ['Tab', 9], Enter => ['Enter', 13, "\r"], Space => ['Space', 32, ' '],
	Escape => ['Escape', 27], Backspace => ['Backspace', 8], Delete => ['Delete', 46],
	ArrowUp => ['ArrowUp', 38], ArrowDown => ['ArrowDown', 40], ArrowLeft => ['ArrowLeft', 37],
	ArrowRight => ['ArrowRight', 39], Home => ['Home', 36], End => ['End', 35],
	PageUp => ['PageUp', 33], PageDown => ['PageDown', 34],
);

# "Tab", "Shift+Tab", "Enter", "Space", "a".
sub press {
	my ($self, @presses) = @_;
	for my $press (@presses) {
		my ($shift, $name) = $press =~ /^(Shift\+)?(.+)$/s or die "no key: $press";
		my $known = $keys{$name};
		die "no key is called $name" if !$known && length $name > 1;
		my ($code, $number, $text) = $known ? @$known : ('', ord uc $name, $name);
		my %event = (key => $name eq 'Space' ? ' ' : $name, code => $code,
			windowsVirtualKeyCode => $number + 0, modifiers => $shift ? 8 : 0);
		$self->call('Input.dispatchKeyEvent', { %event,
			type => defined $text ? 'keyDown' : 'rawKeyDown',
			defined $text ? (text => $text) : () });
		$self->call('Input.dispatchKeyEvent', { %event, type => 'keyUp' });
	}
	return;
}

sub type {
	my ($self, $words) = @_;
	$self->call('Input.insertText', { text => $words });
	return;
}

sub click {
	my ($self, $selector) = @_;
	my $quoted = JSON::PP->new->ascii->allow_nonref->encode($selector);
	my $at = $self->eval("(() => { const e = document.querySelector($quoted);"
		. ' if (!e) return null; e.scrollIntoView({block: "center"});'
		. ' const r = e.getBoundingClientRect();'
		. ' return [r.x + r.width / 2, r.y + r.height / 2]; })()');
	die "nothing matches $selector\n" if !$at;
	my %event = (x => $at->[0], y => $at->[1], button => 'left', clickCount => 1);
	$self->call('Input.dispatchMouseEvent', { %event, type => $_ })
		for qw(mouseMoved mousePressed mouseReleased);
	return;
}

# --- what came of it -------------------------------------------------------------------------

sub requests {
	my ($self) = @_;
	$self->eval('0');    # what has happened until now has been told
	return map { $self->{requests}{$_} } @{ $self->{order} };
}

sub problems {
	my ($self) = @_;
	$self->eval('0');
	return @{ $self->{problems} };
}

sub set_headers {
	my ($self, %headers) = @_;
	$self->call('Network.setExtraHTTPHeaders', { headers => \%headers });
	return;
}

sub scripts {
	my ($self, $on) = @_;
	$self->call('Emulation.setScriptExecutionDisabled',
		{ value => $on ? JSON::PP::false : JSON::PP::true });
	return;
}

sub close {
	my ($self) = @_;
	$self->{browser}->call('Target.closeTarget', { targetId => $self->{target} });
	delete $self->{browser}{pages}{ $self->{session} };
	return;
}

1;
