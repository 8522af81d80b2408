package Luukku::Test::Days;

# Days at a desk in which everybody does what comes to mind: each step of a day has its own number, so
# that a day is the same with the same numbers, and less of it is a day, too. t/helper/day.c plays the
# programs, Luukku::Test::DayTrouble has what goes wrong around them, Luukku::Test::DayRules says what
# may not happen.
#
#   my $day = Luukku::Test::Days->begin($desk);   an empty desk; its configuration by conf()
#   $day->step($number)                            one thing happens; $day->{story} tells it
#   $day->{taken}                                  all that came in: { outcome, message, ticket, explained, .. }
#   $day->{mails}                                  all that went out: { to, id, ticket, data, words, .. }
#   $day->{words}                                  { word => { kind, by, message, ticket, .. } }
#
# Whatever is written has a word in it that stands nowhere else. kind: customer, answer (an agent's to
# the customer), inside (notes), supplier, consulted, to_supplier, to_consulted, line (of a command),
# header, forged (in an agent's name), stranger, robot, score (with a survey's answer), any (where the
# rest of the mail decides).

use strict;
use warnings;
use utf8;
use Encode ();
use IO::Handle ();
use IPC::Open2 ();
use JSON::PP ();
use MIME::Base64 qw(encode_base64 decode_base64);
use POSIX ();
use Luukku::Test::Base qw(build_dir program skip_or_die source_dir);
use Luukku::Test::DayTrouble;
use Luukku::Test::Mail qw(header parts text_of);

use constant START => 1_772_434_800;    # Monday 2 March 2026, 7.00 UTC

our %agents = ('aino@example.fi' => ['ict'], 'bo@example.fi' => ['hr'], 'mari@example.fi' => ['ict', 'hr']);
our @customers = ('maija@sairaala.example', 'pekka@sairaala.example', 'olli@kund.example');
our @suppliers = ('tuki@valo.example', 'asentaja@valo.example');
our @consulted = ('asia@muualla.example');
our @robots = ('noreply@robotti.example', 'vahti@robotti.example');
our $eve = 'eve@evil.example';
my @agents = sort keys %agents;
my %name = ('aino@example.fi' => 'Aino Aalto', 'bo@example.fi' => 'Bo Berg', 'mari@example.fi' => 'Mari Manner');

# but => 'aino@example.fi' is without that agent; queue => more settings of both queues.
sub conf {
	my (%change) = @_;
	my $but = $change{but} // '';
	my @here = grep { $_ ne $but } @agents;
	my $team = sub { my ($name) = @_; return join ', ', map { "\"$_\"" } grep { grep { $_ eq $name } @{ $agents{$_} } } @here };
	my $queue = 'notify = "agents"; mass: { people = 0; }; sla = "std"; close_after = "7d"; tell_on_wait = true; tell_on_transfer = true;
    tell_every = "3d"; customer_reminders = ( "2d", "4d" ); close_unanswered = true; duplicate_window = "2d"; managers = ( "mari@example.fi" );
    survey: { send = "resolved"; delay = "1h"; every = "1d"; reopen_below = 5; };';
	$queue =~ s/\b\Q$1\E = [^;]*;/$change{queue}/ if ($change{queue} // '') =~ /^(\w+) =/;
	return (
		site => 'senders_verified = true; authserv = ( "mx.example.fi" ); relays = ( "mx.example.fi" ); languages = ( "fi", "sv", "en" );',
		agents => join(', ', map { "{ name = \"$name{$_}\"; address = \"$_\"; languages = ( \"en\", \"fi\", \"sv\" ); }" } @here),
		queues => "{ name = \"ict\"; title = \"ICT\"; addresses = ( \"ict\@example.fi\" ); agents = ( @{[$team->('ict')]} ); $queue },
  { name = \"hr\"; title = \"HR\"; addresses = ( \"hr\@example.fi\" ); agents = ( @{[$team->('hr')]} ); $queue }",
		extra => <<'CONF');
breaker = ( "5000/10m" );
calendars: ( { name = "always"; hours = "Mon-Sun 00:00-24:00"; } );
slas: ( { name = "std"; calendar = "always"; warn_at = 75; targets = ( { priority = "urgent"; respond = "30m"; resolve = "4h"; },
  { priority = "high"; respond = "2h"; resolve = "8h"; }, { priority = "normal"; respond = "8h"; resolve = "40h"; },
  { priority = "low"; respond = "16h"; resolve = "80h"; } ); } );
suppliers: ( { name = "valo"; addresses = ( "tuki@valo.example" ); domains = ( "valo.example" ); remind = ( "2d" ); } );
CONF
}

sub begin {
	my ($class, $desk) = @_;
	my $helper = build_dir() . '/t-helper/day';
	skip_or_die("$helper is not built; run t/run") if !-x $helper;
	my $self = bless { desk => $desk, db => $desk->db, helper => $helper, now => START, words => {}, mails => [], inbox => {}, story => [], taken => [], late => [],
		fresh => [], gone => {}, sent => {}, known_ids => {}, n => 0, uid => 0 }, $class;
	$desk->configure(conf());
	return $self->start;
}

# The programs; env => what they have in their environment.
sub start {
	my ($self, %env) = @_;
	local %ENV = (%ENV, LUUKKU_PARSE => program('luukku-parse'), LUUKKU_TEMPLATES => source_dir() . '/conf/templates', LUUKKU_NOW => stamp($self->{now}), %env);
	$self->{pid} = IPC::Open2::open2($self->{out}, $self->{in}, $self->{helper}, '-c', $self->{desk}->conf);
	$self->{is_doomed} = exists $env{LUUKKU_FAULT};
	binmode $_ for @$self{qw(in out)};
	return $self;
}

sub end {
	my ($self) = @_;
	my $pid = delete $self->{pid} // return 0;
	close $self->{in};
	close $self->{out};
	waitpid $pid, 0;
	return $?;
}

# They stop as they should, and start again.
sub restart {
	my ($self, %env) = @_;
	my $status = $self->end;
	die "the helper ended with $status\n" if $status;
	return $self->start(%env);
}

sub stamp { return POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

sub DESTROY { local $?; $_[0]->end; return }

# One try; false: the helper died meanwhile.
sub ask_once {
	my ($self, $lines, @what) = @_;
	local $SIG{PIPE} = 'IGNORE';
	print { $self->{in} } join("\t", stamp($self->{now}), @what), "\n";
	$self->{in}->flush;
	while (defined(my $line = readline $self->{out})) {
		chomp $line;
		return 1 if $line eq '.';
		my @words = split /\t/, $line;
		die "$what[0]: $words[2]\n" if $words[0] eq 'error';
		push @$lines, \@words;
	}
	return 0;
}

# Programs that were killed as they were meant to be start again, and go on where they were.
sub ask {
	my ($self, @what) = @_;
	my @lines;
	while (!$self->ask_once(\@lines, @what)) {
		my $status = $self->end;
		die "$what[0]: the helper has died ($status)\n" if $status != 9 || !$self->{is_doomed};
		$self->tell("(killed at $self->{doom})");
		$self->{was_killed} = $self->{is_shaken} = 1;
		$self->start;
	}
	return @lines;
}

sub pick { return $_[rand @_] }
sub chance { return rand() < $_[0] }

# A new word that says what it is.
sub word {
	my ($self, $kind, $by) = @_;
	my $n = ++$self->{n};
	my $word = 'qx' . join '', map { chr(97 + int($n / 20**$_) % 20) } reverse 0 .. 3;
	$self->{words}{$word} = { kind => $kind, by => $by, word => $word };
	push @{ $self->{fresh} }, $word;
	return $word;
}

sub tell {
	my ($self, $text) = @_;
	$text =~ s/^/    /mg;
	push @{ $self->{story} }, POSIX::strftime('%d.%m. %H:%M', gmtime $self->{now}) . $text =~ s/^ +/ /r;
	return;
}

# --- mails in -------------------------------------------------------------------------------------

# from, to, subject, text, cc, irt (a mail that it answers), quote => 0, proof => pass|fail|none, headers, drop =>
# a header that it lacks, late => 1: it comes some steps later, id
sub post {
	my ($self, %m) = @_;
	my $n = ++$self->{posted};
	my $domain = ($m{from} =~ /@([^>]+)/)[0];
	my @head = ("From: $m{from}", "To: $m{to}");
	push @head, "Cc: $m{cc}" if $m{cc};
	my $subject = $m{subject} // 'Asia';
	my $text = $m{text};
	push @head, 'Subject: ' . Encode::encode('MIME-Q', $subject), "Message-ID: <" . ($m{id} // "day$n.$self->{now}\@$domain") . '>',
		POSIX::strftime('Date: %a, %d %b %Y %H:%M:%S +0000', gmtime $self->{now} - 5), 'MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8';
	if ($m{irt}) {
		push @head, "In-Reply-To: <$m{irt}{id}>", "References: <$m{irt}{id}>";
		$text .= "\n\nOn Mon, 2 Mar 2026 at 9.00, ICT <ict\@example.fi> wrote:\n" . $m{irt}{text} =~ s/^/> /mgr . "\n" if $m{quote} // 1;
	}
	@head = grep { !/^\Q$m{drop}\E:/ } @head if $m{drop};
	my $proof = $m{proof} // 'none';
	my $auth = $proof eq 'none' ? '' : "Authentication-Results: mx.example.fi; dmarc=$proof header.from=$domain\r\n";
	my $mail = "${auth}Received: from client.example by mx.example.fi; " . POSIX::strftime('%a, %d %b %Y %H:%M:%S +0000', gmtime $self->{now})
		. "\r\n" . join('', map { "$_\r\n" } @head, @{ $m{headers} // [] }) . "\r\n" . Encode::encode('UTF-8', $text) =~ s/\n/\r\n/gr;
	$self->tell("$m{from} -> $m{to}" . ($m{cc} ? " cc $m{cc}" : '') . ($proof ne 'none' ? " ($proof)" : '') . ($m{irt} ? " answers \"$m{irt}{subject}\"" : '')
		. ": $subject\n$m{text}");
	my %what = (received => $self->{now}, words => [splice @{ $self->{fresh} }],
		is_plain => $agents{ ($m{from} =~ /<([^>]+)>/)[0] // '' } && $proof eq 'pass' && $m{text} !~ /#/);
	$self->{typed}{$_} = 1 for "$subject\n$m{text}" =~ /TUKI-([0-9]+)/g;
	return $self->deliver($mail, %what) if !$m{late};
	$self->{story}[-1] .= "\n    (it is late)";
	push @{ $self->{late} }, [$mail, %what];
	return;
}

# received, words (of its own), is_plain
sub deliver {
	my ($self, $mail, %what) = @_;
	my @where = (pick('ict', 'hr'), ++$self->{uid}, stamp($what{received} // $self->{now}), encode_base64($mail, ''));
	my ($explained) = $self->{is_explained} ? $self->ask(explain => @where) : ();
	my ($took) = $self->ask(mail => @where);
	my %took = (%what, outcome => $took->[1], message => $took->[2], ticket => $took->[3], reason => $took->[4] // '', mail => $mail, at => $self->{now});
	$took{explained} = JSON::PP->new->utf8->decode(decode_base64($explained->[1])) if $explained;
	for my $word (@{ $what{words} // [] }) {
		@{ $self->{words}{$word} }{qw(message ticket to)} = (@took{qw(message ticket)}, (header($mail, 'To') // 'ict@example.fi, hr@example.fi') . ' ' . (header($mail, 'Cc') // ''));
	}
	# What a mail quotes is told to whoever may read that mail.
	my (undef, $body) = split /\r\n\r\n/, $mail, 2;
	push @{ $self->{words}{$_}{told} }, $took{message} for grep { $self->{words}{$_} } $body =~ /(qx[a-t]{4})/g;
	# A line is about the tickets that it names.
	while ($body =~ /^TUKI-([0-9]+) #tag \+(qx[a-t]{4})/mg) {
		$self->{words}{$2}{ticket} = $1;
	}
	my ($from) = (header($mail, 'From') // '') =~ /([^\s<>]+@[^\s<>]+)/;
	$took{from} = lc($from // '');
	$self->{known_ids}{ $took{from} }{$1} = 1 if (header($mail, 'Message-ID') // '') =~ /<(.*)>/;
	push @{ $self->{taken} }, \%took;
	$self->{story}[-1] .= "\n    => $took{outcome}" . ($took{ticket} ? " TUKI-$took{ticket}" : '') . ": $took{reason}";
	return \%took;
}

# --- mails out ------------------------------------------------------------------------------------

sub send_all {
	my ($self) = @_;
	my $trouble = chance(0.04) ? pick(qw(retry failed uncertain)) : undef;
	my @sent = $self->ask('send', $trouble // ());
	for my $sent (@sent) {
		my (undef, $outbox, $to, $ticket, $envelope, $wire) = @$sent;
		my $data = decode_base64($wire);
		push @{ $self->{sent}{$outbox} }, $data;
		next if @{ $self->{sent}{$outbox} } > 1;
		my $text = text_of({ data => $data });
		my $all = join "\n", map { $_->{head} . "\n" . $_->{text} } parts($data);
		my %seen;
		my @words = grep { $self->{words}{$_} && !$seen{$_}++ } $all =~ /(qx[a-t]{4})/g;
		my @links = map { [unescape(/^mailto:([^?]+)/), /[?&]subject=([^&]*)/ ? unescape($1) : 'OK', /[?&]body=([^&]*)/ ? unescape($1) : ''] }
			grep { !/[?&]subject=\{/ } $text =~ /(mailto:[^\s<>"]+)/g;
		my ($id) = (header($data, 'Message-ID') // '') =~ /<(.*)>/;
		my $mail = { outbox => $outbox, to => lc $to, ticket => $ticket, data => $data, text => $text, all => $all, words => \@words, links => \@links, id => $id,
			at => $self->{now}, subject => Encode::decode('MIME-Header', header($data, 'Subject') // ''), envelope => $envelope,
			reply_to => header($data, 'Reply-To') // header($data, 'From'), is_gone => $self->{gone}{ lc $to } };
		push @{ $self->{mails} }, $mail;
		push @{ $self->{inbox}{ lc $to } }, $mail;
		$self->{story}[-1] .= "\n    <= $to: $mail->{subject}" . (@words ? " [@words]" : '') if @{ $self->{story} };
	}
	# The server may have it, or not: once more is as it should be.
	$self->{may_repeat}{ $sent[0][1] } = 1 if @sent && ($trouble // '') eq 'uncertain';
	return;
}

sub unescape { return Encode::decode('UTF-8', $_[0] =~ s/%([0-9a-f]{2})/chr hex $1/gier) }

# One of the newer mails that somebody got.
sub got {
	my ($self, $who) = @_;
	my @all = @{ $self->{inbox}{$who} // [] };
	return if !@all;
	return chance(0.7) ? pick(@all > 4 ? @all[-4 .. -1] : @all) : pick(@all);
}

sub a_ticket {
	my ($self) = @_;
	my @all = grep { $_ } map { $_->{ticket} } @{ $self->{taken} };
	return @all ? pick(@all) : 1001;
}

# --- what happens ----------------------------------------------------------------------------------

my @doings = ((\&customer_writes) x 9, (\&customer_answers) x 12, (\&agent_answers) x 30, (\&agent_writes) x 8, (\&agent_clicks) x 10, (\&supplier_answers) x 6,
	(\&consulted_answers) x 5, (\&eve_tries) x 5, (\&time_passes) x 8, (\&robot_writes) x 3, (\&comes_again) x 2, (\&guest_answers) x 4, (\&several_get) x 4, @Luukku::Test::DayTrouble::doings);

sub step {
	my ($self, $number) = @_;
	srand $number;
	$self->{now} += 60 + int rand 1500;
	$self->{is_explained} = $ENV{LUUKKU_LONG} || $number % 3 == 0;
	$self->{is_idle} = $self->{is_shaken} = 0;
	$self->late_ones if @{ $self->{late} } && chance(0.3);
	my $did = pick(@doings)->($self);
	return if !$did;
	$self->ask('sched') if chance(0.3);
	$self->send_all if chance(0.85);
	return;
}

my @subjects = ('Tulostin ei toimi', 'Salasana unohtui', 'Verkko hidas', 'Palkka puuttuu', 'Loma', 'Tukipyyntö', '');

sub customer_writes {
	my ($self) = @_;
	my $who = pick(@customers);
	my $other = chance(0.15) ? pick(grep { $_ ne $who } @customers) : undef;
	my $word = $self->word('customer', $who);
	$self->post(from => $who, to => pick('ict@example.fi', 'hr@example.fi', 'ict@example.fi, hr@example.fi'), cc => $other, subject => pick(@subjects) . (chance(0.5) ? '' : " $word"),
		text => pick("Hei,\n\ntämä asia on $word. Voitteko auttaa?\n", "Hej,\n\n$word fungerar inte. Kan ni hjälpa?\n", "Hello,\n\n$word does not work.\n"));
	return 1;
}

sub customer_answers {
	my ($self) = @_;
	my $who = pick(@customers);
	my $mail = $self->got($who) // return 0;
	my $word = $self->word('customer', $who);
	my $text = pick("Kiitos, mutta $word ei auttanut.", "Kokeilin, nyt $word.", "Onko tämä edennyt? $word", "Tack, $word.", "Kiitos! $word", "It is $word.");
	$self->post(from => $who, to => $mail->{reply_to}, cc => chance(0.1) ? pick(grep { $_ ne $who } @customers) : undef, subject => "Re: $mail->{subject}", irt => $mail,
		quote => chance(0.7), text => $text, late => chance(0.05));
	return 1;
}

# A mail was handed on: somebody else answers to the address in it.
sub guest_answers {
	my ($self) = @_;
	my $whose = pick(@customers, @suppliers, @consulted);
	my $mail = $self->got($whose) // return 0;
	my $who = pick(grep { $_ ne $whose } @customers, @suppliers, 'vieras@jossain.example');
	my $word = $self->word(grep({ $_ eq $who } @customers) ? 'customer' : grep({ $_ eq $who } @suppliers) ? 'supplier' : 'stranger', $who);
	$word = $self->word('stranger', $who) if $self->{words}{$word}{kind} eq 'customer' && !grep { $_ eq $whose } @customers;
	$self->post(from => $who, to => $mail->{reply_to}, subject => "Re: $mail->{subject}", irt => $mail, quote => chance(0.5), text => "Sain tämän: $word.");
	return 1;
}

sub supplier_answers {
	my ($self) = @_;
	my $mail = $self->got('tuki@valo.example') // return 0;
	my $who = pick(@suppliers);
	my $word = $self->word('supplier', $who);
	$self->post(from => $who, to => $mail->{reply_to}, subject => "Re: $mail->{subject}", irt => $mail, quote => chance(0.7), text => "Varaosa tulee. $word\n");
	return 1;
}

sub consulted_answers {
	my ($self) = @_;
	my $who = pick(@consulted, grep { !$self->{gone}{$_} } @agents);
	my @asked = grep { !$agents{$who} || $_->{all} =~ /kysyttynä|consult/i } @{ $self->{inbox}{$who} // [] };
	return 0 if !@asked;
	my $mail = pick(@asked);
	my $word = $self->word($agents{$who} ? 'any' : 'consulted', $who);
	$self->post(from => $who, to => $mail->{reply_to}, subject => "Re: $mail->{subject}", irt => $mail, quote => chance(0.7), text => "Se on $word.\n");
	return 1;
}

sub robot_writes {
	my ($self) = @_;
	my $who = pick(@robots);
	my $to = pick('ict@example.fi', 'hr@example.fi', map { $_->{reply_to} } grep { defined } map { $self->got($_) } @customers);
	my $word = $self->word('robot', $who);
	$self->post(from => $who, to => $to, subject => pick('Hälytys', 'Automaattinen vastaus', "Out of office $word"), text => "Laite $word hälyttää.\n",
		headers => [pick('Auto-Submitted: auto-generated', 'Auto-Submitted: auto-replied', 'Precedence: bulk', "List-Id: <x.robotti.example>"), 'Return-Path: <>']);
	return 1;
}

sub comes_again {
	my ($self) = @_;
	my $before = @{ $self->{taken} } ? pick(@{ $self->{taken} }) : return 0;
	$self->tell('the same mail again: ' . (header($before->{mail}, 'Message-ID') // ''));
	$self->deliver($before->{mail});
	return 1;
}

sub time_passes {
	my ($self) = @_;
	$self->{now} += pick(3600, 7200, 6 * 3600, 86_400, 86_400, 3 * 86_400, 8 * 86_400);
	$self->tell('time passes');
	for (1 .. 2) {
		$self->ask('sched');
		$self->send_all;
	}
	# What a program that was killed held is free a moment later.
	$self->{is_idle} = !$self->{is_shaken};
	return 0;
}

# --- agents ---------------------------------------------------------------------------------------

# Lines and words of an agent: (kind of the words, text).
sub agent_text {
	my ($self, $who, $is_bare) = @_;
	my $words = sub { my ($kind) = @_; my $word = $self->word($kind, $who); return pick("Kokeile $word uudelleen.", "Försök med $word.", "Please try $word again.") };
	my $line = sub { return $self->word('line', $who) };
	my $other = 'TUKI-' . $self->a_ticket;
	my @some = (
		sub { return $words->('answer') . "\n" }, sub { return $words->('answer') . "\n" },
		sub { return pick('#note', '#huomautus', '#anteckning') . pick(' ', "\n\n") . $words->('inside') . "\n" },
		sub { return pick('#supplier valo', '#toimittaja valo', '#leverantör valo') . "\n\n" . $words->('to_supplier') . "\n" },
		sub { return pick('#ask', '#kysy', '#fråga') . ' ' . pick('asia@muualla.example', 'asia@muualla.example', 'bo', 'aino') . "\n\n" . $words->('to_consulted') . "\n" },
		sub { return pick('#wait customer', '#odota asiakas', '#vänta kund', '#wait customer 2d') . "\n" . (chance(0.7) ? "\n" . $words->('answer') . "\n" : '') },
		sub { return pick('#resolve', '#ratkaise', '#lös', '#resolve workaround', '#resolve anyway') . "\n" . (chance(0.7) ? "\n" . $words->('answer') . "\n" : '') },
		sub { return pick('#resolve silent', '#ratkaise hiljaa') . "\n" . (chance(0.3) ? "\n" . $words->('any') . "\n" : '') },
		sub { return pick('#tag +', '#tunniste +') . $line->() . "\n" . (chance(0.4) ? "\n" . $words->('answer') . "\n" : '') },
		sub { return '#subject Sis ' . $line->() . "\n" . (chance(0.3) ? "\n" . $words->('answer') . "\n" : '') },
		sub { return pick('#take', '#ota', '#ta', '#assign aino', '#assign mari', '#assign none', '#osoita bo') . "\n" . (chance(0.3) ? "\n" . $words->('answer') . "\n" : '') },
		sub { return pick('#queue hr', '#queue ict', '#jono hr', '#kö ict') . "\n" . (chance(0.3) ? "\n" . $words->('answer') . "\n" : '') },
		sub { return pick('#wait supplier', '#wait supplier valo', '#wait until 2026-03-20', '#odota asti 25.3.2026') . "\n" . (chance(0.2) ? "\n" . $words->('answer') . "\n" : '') },
		sub { return pick("#merge $other", "#yhdistä $other", "#link $other", "#parent $other", '#split', "#parent none") . "\n" },
		sub { return pick('#close', '#reopen', '#open', '#spam', '#avaa', '#stäng') . "\n" },
		sub { return pick('#undo', '#peru', '#ångra') . "\n" }, sub { return pick('#undo', '#send', '#drop') . "\n" },
		sub { return pick('#history', '#list', '#next', '#search qx', '#help', '#lista', "#history $other", '#more') . "\n" },
		sub { return pick('#cc +olli@kund.example', '#cc +pekka@sairaala.example', '#cc -pekka@sairaala.example') . "\n" . (chance(0.3) ? "\n" . $words->('answer') . "\n" : '') },
		sub { return pick('#priority high', '#tärkeys kiireellinen', '#priority low') . "\n" . pick('#take', '#tag +x', '#wait customer') . "\n\n" . $words->('answer') . "\n" },
		sub { return pick('#away 2026-03-05..2026-03-09', '#away none', '#poissa 5.3.2026..9.3.2026') . "\n" },
		# wrong ones
		sub { return pick('#priority hihg', '#assign nobdy', '#ratkaiise', '#wait custmer', '#supplier valu') . "\n\n" . $words->('answer') . "\n" },
		sub { return "#priority hihg\n#note " . $words->('inside') . "\n" },
		sub { return "$other #priority high\n$other #tag +" . $line->() . "\n" },
		sub { return $words->('answer') . "\n\n#note " . $words->('inside') . "\n" },
		sub { return '#note ' . $words->('inside') . "\n#resolve\n\n" . $words->('answer') . "\n" },
	);
	return $is_bare ? $words->('any') . "\n" : pick(@some)->();
}

# One who is still in the configuration.
sub an_agent {
	my ($self) = @_;
	return pick(grep { !$self->{gone}{$_} } @agents);
}

sub agent_post {
	my ($self, $who, %m) = @_;
	my $from = "$name{$who} <$who>";
	my $word = $self->word('header', $who);
	return $self->post(from => $from, proof => pick('pass', 'pass', 'pass', 'none'), headers => ["X-Inside: $word"], %m);
}

sub agent_answers {
	my ($self) = @_;
	my $who = $self->an_agent;
	my $mail = $self->got($who) // return 0;
	$self->agent_post($who, to => $mail->{reply_to}, subject => "Re: $mail->{subject}", irt => $mail, quote => chance(0.7), text => $self->agent_text($who), late => chance(0.05));
	return 1;
}

sub agent_writes {
	my ($self) = @_;
	my $who = $self->an_agent;
	$self->agent_post($who, to => pick('ict@example.fi', 'hr@example.fi'), subject => pick('', 'Re: ', 'Vs: ') . pick('', '[TUKI-' . $self->a_ticket . '] ') . 'asia', text => $self->agent_text($who));
	return 1;
}

# A link of a mail that they got, as it is, or with words of their own below.
sub agent_clicks {
	my ($self) = @_;
	my $who = $self->an_agent;
	my @with = grep { @{ $_->{links} } } @{ $self->{inbox}{$who} // [] };
	return 0 if !@with;
	my $mail = chance(0.7) ? $with[-1] : pick(@with);
	my ($to, $subject, $body) = @{ pick(@{ $mail->{links} }) };
	my $text = $body . (chance(0.4) ? "\n" . $self->agent_text($who, 1) : '');
	$self->agent_post($who, to => $to, subject => $subject, text => $text);
	return 1;
}

# The team's mail also goes to others: to a note address, a customer, a supplier.
sub several_get {
	my ($self) = @_;
	my $who = $self->an_agent;
	my $mail = $self->got($who) // return 0;
	# An address that keeps words inside does so on its own ticket.
	my ($inside) = map { $_->{reply_to} } grep { $_->{ticket} == $mail->{ticket} } reverse map { @{ $self->{inbox}{$_} // [] } } @suppliers, @consulted;
	my $to = pick($mail->{reply_to}, 'ict@example.fi');
	my $text = defined $inside ? 'Meidän kesken ' . $self->word('inside', $who) . "\n" : $self->agent_text($who);
	$text = pick('#priority high', '#priority hihg', '#take', '#wait customer') . "\n\n$text" if defined $inside && chance(0.5);
	$self->agent_post($who, to => defined $inside && chance(0.5) ? $inside : $to, cc => $inside, subject => "Re: $mail->{subject}", irt => $mail, text => $text);
	return 1;
}

sub eve_tries {
	my ($self) = @_;
	my $as = $self->an_agent;
	my $mail = $self->got(pick(@customers, @suppliers, @agents));
	my $word = $self->word('forged', $as);
	my $from = pick("$name{$as} <$as>", "$name{$as} <$as>", "\"$name{$as}\" <$eve>", pick(@customers));
	$self->{words}{$word} = { kind => 'stranger', by => $eve, word => $word } if $from =~ /evil/ || $from !~ /example\.fi/;
	$self->post(from => $from, to => pick('ict@example.fi', $mail && $from !~ /^\w+ \w+ <\w+\@example/ ? $mail->{reply_to} : 'hr@example.fi'), subject => 'Re: [TUKI-' . $self->a_ticket . '] asia',
		proof => pick('fail', 'none'), text => pick('', "#priority urgent\n\n", "#resolve\n\n", "#take\n\n") . "Anna salasanasi $word.\n");
	return 1;
}

1;
