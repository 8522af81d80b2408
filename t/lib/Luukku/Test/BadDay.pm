package Luukku::Test::BadDay;

# A desk on a bad Monday morning, the 10th of August 2026 in Helsinki, for tests of what managers see:
# every part of their digest has something to say.
#
#   my $day = Luukku::Test::BadDay->start(languages => 'fi')   the desk, and two weeks until that morning
#   $day->desk                              the Luukku::Test::Desk
#   $day->at('2026-08-10 07:45')            so late it is from here on, in Helsinki
#   $day->once                              luukkud --once at that time
#   $day->sched('2026-08-10 07:45')         luukku-sched alone; what went into the outbox: "template recipient"
#   $day->intake(MAIL, ..)                  mails to ict@ taken at that time
#   $day->mail_to('bo@example.fi', qr/../)  the newest mail of the sink whose subject fits
#   $day->ticket('maija')                   the number of that customer's ticket
#   links(TEXT)                             the mailto: links in it: [{to, subject, body}]

use strict;
use warnings;
use utf8;
use Encode qw(encode decode);
use Exporter 'import';
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header parts);
use POSIX ();
use Test::More ();
use Time::Local qw(timegm);

our @EXPORT_OK = qw(links);

my $queues = <<'CONF';
  { name = "ict"; title = { fi = "ICT-tuki"; sv = "ICT-stödet"; en = "ICT support"; }; addresses = ( "ict@example.fi" );
    agents = ( "aino@example.fi", "cecilia@example.fi", "dan@example.fi" ); managers = ( "bo@example.fi" );
    sla = "standard"; notify = "none"; tell_on_wait = true; digest = "Mon-Fri 07:45"; customer_reminders = (); mass: { people = 0; }; },
  { name = "hr"; title = { fi = "Henkilöstö"; sv = "Personal"; en = "Human resources"; }; addresses = ( "hr@example.fi" );
    agents = ( "liisa@example.fi" ); managers = ( "liisa@example.fi" ); sla = "standard"; notify = "none";
    digest = "Mon-Fri 07:45"; mass: { people = 0; }; }
CONF
my $extra = <<'CONF';
calendars: ( { name = "office"; hours = "Mon-Fri 08:00-16:00"; holidays = ( "fi", "2026-08-12" ); } );
slas: ( { name = "standard"; calendar = "office"; targets = (
  { priority = "urgent"; respond = "30m"; resolve = "4h"; }, { priority = "high"; respond = "2h"; resolve = "8h"; },
  { priority = "normal"; respond = "8h"; resolve = "80h"; }, { priority = "low"; respond = "16h"; resolve = "160h"; } ); } );
suppliers: ( { name = "atk"; addresses = ( "tuki@toimittaja.example" ); remind = ( "1d", "2d", "5d" ); public_name = "Toimittaja Oy"; } );
rules: ( { name = "outage"; match: { subject = "*KATKO*"; }; set: { type = "incident"; priority = "urgent"; }; } );
breaker = ( "1000/10m" );
CONF

sub start {
	my ($class, %option) = @_;
	my $languages = $option{languages} // '"fi"';
	my $agents = join ",\n", map { my ($name, $address) = @$_;
		"  { name = \"$name\"; address = \"$address\@example.fi\"; languages = ( $languages ); }" }
		['Aino Aalto', 'aino'], ['Cecilia Ceder', 'cecilia'], ['Dan Dahl', 'dan'], ['Bo Berg', 'bo'], ['Liisa Laine', 'liisa'],
		['Ida Ilves', 'ida'];
	my $desk = Luukku::Test::Desk->start(queues => $queues, extra => $extra . ($option{extra} // ''), agents => "$agents\n",
		site => 'admins = ( "admin@example.fi" ); languages = ( "fi", "sv", "en" );' . ($option{site} // ''));
	my $self = bless { desk => $desk, seen => 0 }, $class;
	$self->live if !$option{empty};
	return $self;
}

sub desk { return $_[0]{desk} }
sub db   { return $_[0]{desk}->db }
sub now  { return $_[0]{now} }

sub epoch {
	my ($self) = @_;
	my ($y, $mo, $d, $h, $mi) = $self->{now} =~ /\A(\d+)-(\d+)-(\d+)T(\d+):(\d+)/ or die $self->{now};
	return timegm(0, $mi, $h, $d, $mo - 1, $y);
}

# Summer time: three hours ahead.
sub at {
	my ($self, $when) = @_;
	my ($y, $mo, $d, $h, $m) = $when =~ /\A(\d+)-(\d+)-(\d+) (\d+):(\d+)\z/ or die $when;
	$self->{now} = POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(timegm(0, $m, $h, $d, $mo - 1, $y) - 3 * 3600));
	return;
}

sub once {
	my ($self, $what) = @_;
	my $done = $self->{desk}->once(env => { LUUKKU_NOW => $self->{now} });
	$done->{status} == 0 or die "luukkud --once at $self->{now}: $done->{err}";
	return;
}

sub sched {
	my ($self, $when) = @_;
	$self->at($when) if $when;
	my $done = run([program('luukku-sched'), '-c', $self->{desk}->conf, '--once'], env => { LUUKKU_NOW => $self->{now} });
	$done->{status} == 0 or die "luukku-sched at $self->{now}: $done->{err}";
	return $self->new_mails;
}

sub new_mails {
	my ($self) = @_;
	my @rows = $self->db->sql("SELECT id, template, recipient FROM outbox WHERE id > $self->{seen} ORDER BY id");
	$self->{seen} = $rows[-1][0] if @rows;
	return [map { "$_->[1] " . $_->[2] =~ s/\@.*//r } @rows];
}

sub intake {
	my ($self, @mails) = @_;
	for my $mail (@mails) {
		my $user = header($mail, 'To') =~ /hr\@/ ? 'hr' : 'ict';
		$self->{desk}->deliver($user, $mail, at => $self->epoch);
	}
	$self->once;
	return;
}

sub customer {
	my ($who, $subject, %option) = @_;
	return mail(from => "\u$who Meri <$who\@asiakas.example>", subject => encode('MIME-Q', $subject), text => encode('UTF-8',
		$option{text} // "Hei,\n\n$subject. Voitteko auttaa?\n\nTerveisin $who\n"), %option);
}

sub ticket {
	my ($self, $who) = @_;
	return scalar $self->db->sql("SELECT t.id FROM ticket t JOIN person p ON p.id = t.requester_id
		WHERE p.address = '$who\@asiakas.example' ORDER BY t.id LIMIT 1");
}

sub agent {
	my ($self, $as, $who, $text, @commands) = @_;
	my $done = $self->{desk}->ctl('do', 'TUKI-' . $self->ticket($who), @commands, '--as', "$as\@example.fi",
		defined $text ? ('--text', '-') : (), { in => encode('UTF-8', $text // ''), env => { LUUKKU_NOW => $self->{now} } });
	$done->{status} == 0 or die "do @commands: $done->{err}";
	return;
}

# Two weeks, of which little went well.
sub live {
	my ($self) = @_;
	$self->at('2026-07-30 10:00');
	$self->intake(customer('maija', 'Tulostin jumissa'), customer('ville', 'Näyttö välkkyy'), customer('nina', 'Uusi työpöytä'),
		customer('sami', 'Ohjelma ei käynnisty'), customer('outi', 'Puhelimen vaihto'), customer('kalle', 'Salasana unohtui'),
		customer('hanna', 'Palkka puuttuu', to => 'hr@example.fi'));
	$self->agent('aino', 'maija', 'Katsomme asiaa.', 'take');
	$self->agent('aino', 'ville', 'Näyttö on tilattu.', 'take');
	$self->agent('cecilia', 'sami', 'Ohjelma ei käynnisty lainkaan, auttaisitteko?', 'take', 'supplier atk');
	$self->agent('dan', 'kalle', 'Uusi salasana on tekstiviestissä.', 'resolve');
	$self->at('2026-07-30 10:05');
	$self->agent('cecilia', 'sami', undef, 'wait supplier atk');
	$self->agent('dan', 'outi', undef, 'take', 'wait until 2026-08-10');
	for my $when ('2026-08-04 09:00', '2026-08-06 09:00') {
		$self->at($when);
		$self->intake(customer('ville', 'Onko edennyt?', text => "Hei,\n\nonko asia edennyt?\n",
			subject => encode('MIME-Q', '[TUKI-' . $self->ticket('ville') . '] Näyttö välkkyy')));
	}
	$self->at('2026-08-07 15:00');
	$self->intake(customer('elli', 'KATKO: koko osasto ilman verkkoa'), customer('robert', 'Levy täynnä', headers =>
		"X-Auto-Response-Suppress: All\n"), customer('nina2', 'Tuoli rikki'),
		mail(from => 'Uutiset <uutiset@lista.example>', subject => 'Viikon uutiset', headers => "List-Id: <uutiset.lista.example>\nPrecedence: list\n"));
	$self->at('2026-08-09 20:00');
	$self->intake(mail(from => 'Dan Dahl <dan@example.fi>', subject => 'Re: [TUKI-' . $self->ticket('nina') . '] Uusi', text => "#take\n"));
	$self->at('2026-08-07 15:30');
	my $done = $self->{desk}->ctl('do', 'TUKI-' . $self->ticket('maija'), 'away 2026-08-10..2026-08-21 to cecilia@example.fi', '--as',
		'aino@example.fi', { env => { LUUKKU_NOW => $self->{now} } });
	$done->{status} == 0 or die "away: $done->{err}";
	$self->break_things;
	return;
}

# What no mail of a test can bring about by itself.
sub break_things {
	my ($self) = @_;
	my ($maija, $nina) = map { $self->ticket($_) } qw(maija nina);
	$self->db->sql("UPDATE outbox SET state = 'failed', reason = 'the mail server refused it: 550 5.1.1 no such user', wire = NULL
		WHERE id = (SELECT max(id) FROM outbox WHERE ticket_id = $maija AND template = 'reply')");
	$self->db->sql("UPDATE outbox SET created_at = '2026-08-07T12:00:00Z' WHERE state = 'failed'");
	$self->db->sql("UPDATE outbox SET state = 'held', reason = 'held by the breaker: this address already got 10 mails about the ticket within 10m;'
		|| ' luukkuctl outbox retry sends it all the same', sent_at = NULL
		WHERE id = (SELECT max(id) FROM outbox WHERE ticket_id = $nina AND template = 'acknowledgement')");
	$self->db->sql("UPDATE mailbox SET error = 'https://login.example/token answered 401 (invalid_client): the client secret expired on 2026-08-08: check oauth2.client_id',
		error_at = '2026-08-08T01:00:00Z' WHERE name = 'hr'");
	$self->new_mails;
	return;
}

sub mail_to {
	my ($self, $to, $subject) = @_;
	my ($mail) = grep { decode('MIME-Header', header($_->{data}, 'Subject')) =~ $subject }
		reverse grep { lc $_->{rcpt}[0] eq $to } $self->{desk}->smtp->mails;
	return $mail;
}

sub unescape {
	my ($text) = @_;
	$text =~ s/%([0-9a-fA-F]{2})/chr hex $1/ge;
	return decode('UTF-8', $text);
}

sub links {
	my ($text) = @_;
	my @links;
	while ($text =~ /mailto:([^?\s"<>]+)\?subject=([^&\s"<>]*)&(?:amp;)?body=([^\s"<>]*)/g) {
		push @links, { to => unescape($1), subject => unescape($2), body => unescape($3) };
	}
	return @links;
}

1;
